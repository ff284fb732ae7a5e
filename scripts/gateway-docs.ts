// Writes what the adapters say of themselves into docs/gateways/*.md, README.md and .env.example.
import { writeFile } from 'node:fs/promises'
import { gatewayTexts } from './gateway-texts.ts'

for (const [file, text] of gatewayTexts()) await writeFile(new URL(`../${file}`, import.meta.url), text)
