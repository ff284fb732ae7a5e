import { describe, expect, it } from 'vitest'
import { originRule } from './origins.ts'

const LIST = [
  'https://app.example.org',
  'HTTPS://Driver.Example.org:443',
  'http://10.0.0.7:8080',
  'capacitor://localhost',
]

describe('an origin', () => {
  const allows = originRule(LIST)

  it.each([
    undefined,
    'https://app.example.org',
    'https://driver.example.org',
    'http://10.0.0.7:8080',
    'capacitor://localhost',
  ])('%s is let in', (origin) => expect(allows(origin)).toBe(true))

  it.each([
    '',
    'null',
    '*',
    'http://app.example.org',
    'https://app.example.org:8443',
    'https://app.example.org.evil.example',
    'https://evil.example/https://app.example.org',
    'https://sub.app.example.org',
    'https://app.example.org, https://evil.example',
    'https://app.example.org/',
    'HTTPS://APP.EXAMPLE.ORG',
    'capacitor://evil',
  ])('%j is not', (origin) => expect(allows(origin)).toBe(false))

  it('of nobody is let in where none is listed, and every one where all are', () => {
    expect([originRule([])(undefined), originRule([])('https://app.example.org')]).toEqual([true, false])
    expect([originRule(['*'])(undefined), originRule(['*'])('null')]).toEqual([true, true])
  })
})
