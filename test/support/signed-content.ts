import { createSecretKey } from 'node:crypto'
import { expect } from 'vitest'
import { decrypt } from '../../src/webhooks/gateways/hyperpay-cipher.ts'
import { parseForm } from '../../src/webhooks/gateways/kit/form.ts'
import type { SampleDelivery } from '../../src/webhooks/gateways/samples/samples.ts'

/** What a gateway's sample signs when it is handed bytes, and what its adapter reads after the signature. */
export type Content = 'json' | 'form' | 'xml'

/** The XML inside Braintree's form, the text inside HyperPay's ciphertext, everybody else's body. */
export function contentOf(gateway: string, { headers, body }: SampleDelivery, secret: string): Buffer {
  if (gateway === 'braintree') return Buffer.from(parseForm(body)?.get('bt_payload') ?? '', 'base64')
  if (gateway !== 'hyperpay') return body
  const hex = (text: string | undefined) => Buffer.from(text ?? '', 'hex')
  const plaintext = decrypt(
    {
      ciphertext: hex(body.toString()),
      iv: hex(headers['x-initialization-vector']),
      tag: hex(headers['x-authentication-tag']),
    },
    createSecretKey(hex(secret)),
  )
  return plaintext ?? expect.fail('a sample of HyperPay cannot be decrypted')
}

export function formOf(content: Buffer): Content {
  const first = content.toString('latin1', 0, 1)
  if (first === '{' || first === '[') return 'json'
  return first === '<' ? 'xml' : 'form'
}

/** The content with more fields beside its own, for which the gateway's adapter has no use. */
export function withMore(content: Buffer, more: Readonly<Record<string, string | number>>): Buffer {
  const text = content.toString()
  switch (formOf(content)) {
    case 'json':
      return Buffer.from(JSON.stringify({ ...JSON.parse(text), ...more }))
    case 'form':
      return Buffer.from(`${text}&${new URLSearchParams(more as Record<string, string>)}`)
    case 'xml': {
      const tags = Object.entries(more).map(([name, value]) => `<${name}>${value}</${name}>`)
      const end = text.lastIndexOf('</')
      return Buffer.from(text.slice(0, end) + tags.join('') + text.slice(end))
    }
  }
}
