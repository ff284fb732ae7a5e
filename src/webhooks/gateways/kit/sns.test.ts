import { describe, expect, it } from 'vitest'
import type { JsonObject } from './body.ts'
import { confirmationUrl, readSns } from './sns.ts'

const SNS = 'https://sns.ap-southeast-1.amazonaws.com'
const message = {
  Type: 'Notification',
  Message: '{}',
  SignatureVersion: '1',
  SigningCertURL: `${SNS}/SimpleNotificationService-0000.pem`,
  Signature: Buffer.alloc(256, 1).toString('base64'),
}

describe('a message', () => {
  it('is read where its signature can be judged', () => {
    expect(readSns(message)).toMatchObject({ type: 'Notification', hash: 'RSA-SHA1' })
    expect(readSns({ ...message, SignatureVersion: '2' })).toMatchObject({ hash: 'RSA-SHA256' })
  })

  it.each<[string, JsonObject, string]>([
    ['no Signature', { Signature: undefined }, 'signature_missing'],
    ['an empty Signature', { Signature: '' }, 'signature_missing'],
    ['a short Signature', { Signature: 'AAAA' }, 'signature_invalid'],
    ['a long Signature', { Signature: 'A'.repeat(1_000) }, 'signature_invalid'],
    ['a Signature that is no text', { Signature: 7 }, 'signature_invalid'],
    ['no version', { SignatureVersion: undefined }, 'signature_invalid'],
    ['version 3', { SignatureVersion: '3' }, 'signature_invalid'],
    ['version 1 as a number', { SignatureVersion: 1 }, 'signature_invalid'],
    ['an unknown Type', { Type: 'constructor' }, 'signature_invalid'],
    ['no Type', { Type: undefined }, 'signature_invalid'],
  ])('with %s is refused', (_, change, code) => {
    expect(readSns({ ...message, ...change })).toMatchObject({ kind: 'refused', code })
  })
})

describe('the address of a certificate', () => {
  it.each([
    'https://sns.ap-southeast-1.amazonaws.com.evil.example/x.pem',
    'https://evil.example/sns.ap-southeast-1.amazonaws.com/x.pem',
    'https://sns.ap-southeast-1.amazonaws.com@evil.example/x.pem',
    'https://user:pass@sns.ap-southeast-1.amazonaws.com/x.pem',
    'https://sns.evil.example.amazonaws.com/x.pem',
    'https://bucket.s3.amazonaws.com/x.pem',
    'https://sns.ap-southeast-1.amazonaws.com:8443/x.pem',
    'http://sns.ap-southeast-1.amazonaws.com/x.pem',
    'file:///etc/x.pem',
    'https://sns.ap-southeast-1.amazonaws.com/x.txt',
    'https://sns.ap-southeast-1.amazonaws.com/x.pem?y',
    'https://sns.ap-southeast-1.amazonaws.com/x.pem#y',
    'https://sns.ap-southeast-1.amazonaws.com/../a/x.pem',
    'https://sns.ap-southeast-1.amazonaws.com\\x.pem',
    'HTTPS://SNS.ap-southeast-1.amazonaws.com/x.pem',
    ' https://sns.ap-southeast-1.amazonaws.com/x.pem',
    `https://sns.ap-southeast-1.amazonaws.com/${'x'.repeat(2_000)}.pem`,
    '',
    7,
    null,
  ])('is not %j', (SigningCertURL) => {
    expect(readSns({ ...message, SigningCertURL })).toMatchObject({
      kind: 'refused',
      code: 'signature_invalid',
    })
  })
})

describe('the address that confirms a subscription', () => {
  const topic = 'arn:aws:sns:ap-southeast-1:000000000000:topic'
  const query = `Action=ConfirmSubscription&TopicArn=${topic}&Token=token`

  it('is on a host of SNS and names our topic', () => {
    expect(confirmationUrl(`${SNS}/?${query}`, topic)).toBe(`${SNS}/?${query}`)
  })

  it.each([
    `https://evil.example/?${query}`,
    `${SNS}.evil.example/?${query}`,
    `http://sns.ap-southeast-1.amazonaws.com/?${query}`,
    `${SNS}/?${query.replace('Confirm', 'Delete')}`,
    `${SNS}/?${query}&Action=DeleteTopic`,
    `${SNS}/?${query}&TopicArn=${topic}-2`,
    `${SNS}/?${query.replace(topic, `${topic}-2`)}`,
    `${SNS}/path?${query}`,
    undefined,
  ])('is not %s', (url) => {
    expect(confirmationUrl(url, topic)).toBeNull()
  })
})
