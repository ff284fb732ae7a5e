import { expect } from 'vitest'
import type { Delivery } from '../../src/webhooks/gateways/adapter.ts'
import { leavesOf, withLeaf } from './json-leaves.ts'

export function isForm(delivery: Delivery): boolean {
  return delivery.headers['content-type']?.includes('form') === true
}

export function bodyOf(delivery: Delivery): unknown {
  const text = delivery.body.toString()
  return isForm(delivery) ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text)
}

export function written(delivery: Delivery, body: unknown): Buffer {
  const text = isForm(delivery)
    ? new URLSearchParams(JSON.parse(JSON.stringify(body))).toString()
    : JSON.stringify(body)
  return Buffer.from(text)
}

export function withQuery(delivery: Delivery, name: string, value: string | undefined): Delivery {
  const query = new URLSearchParams(delivery.query)
  query.delete(name)
  if (value !== undefined) query.set(name, value)
  return { ...delivery, query }
}

type Where = 'header' | 'query' | 'body'

export function signatureIn(delivery: Delivery, where: Where, name: string): string {
  if (where === 'query') return delivery.query.get(name) ?? ''
  const leaf = leavesOf(bodyOf(delivery)).find(({ path }) => path.at(-1) === name)
  return String(leaf?.value ?? expect.fail(`no ${name}`))
}

export function withField(delivery: Delivery, where: Where, name: string, value: unknown): Delivery {
  if (where === 'query') return withQuery(delivery, name, value === undefined ? value : String(value))
  const body = bodyOf(delivery)
  const path = leavesOf(body).find((leaf) => leaf.path.at(-1) === name)?.path ?? []
  return { ...delivery, body: written(delivery, withLeaf(body, path, value)) }
}

/** The name twice, with its own value and behind it with this one. */
export function withTwo(delivery: Delivery, where: Where, name: string, value: string): Delivery {
  if (where === 'query') {
    const query = new URLSearchParams(delivery.query)
    query.append(name, value)
    return { ...delivery, query }
  }
  const text = delivery.body.toString()
  const both = isForm(delivery)
    ? `${text}&${new URLSearchParams({ [name]: value })}`
    : text.replace(new RegExp(`"${name}":"[^"]*"`), (first) => `${first},"${name}":"${value}"`)
  return { ...delivery, body: Buffer.from(both) }
}
