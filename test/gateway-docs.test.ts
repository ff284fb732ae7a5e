import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { gatewayTexts } from '../scripts/gateway-texts.ts'

it.each([...gatewayTexts()])(
  '%s says what the adapters say (npm run docs:gateways writes it)',
  (file, text) => {
    expect(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).toBe(text)
  },
)
