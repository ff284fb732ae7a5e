import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { FactKind } from '../../payments/fact.ts'
import { maySettle } from '../event.ts'
import { bkash, DEVELOPMENT_TOPIC as TOPIC } from './bkash.ts'
import type { JsonObject } from './kit/body.ts'
import { signSns } from './samples/bkash.ts'
import { accountProblems } from './settings.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const PUBLIC_KEY = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
const SNS = 'https://sns.ap-southeast-1.amazonaws.com'
const CERTIFICATE = `${SNS}/SimpleNotificationService-0000.pem`
const SETTINGS = { TOPIC_ARN: TOPIC, PUBLIC_KEY }

const payment = {
  dateTime: '20260101100000',
  trxID: '4J420ANOXC',
  transactionStatus: 'Completed',
  transactionType: '1003',
  amount: '100',
  currency: 'BDT',
  transactionReference: 'trip-1',
}
const notification = {
  Type: 'Notification',
  MessageId: '22b80b92',
  TopicArn: TOPIC,
  Message: JSON.stringify(payment),
  Timestamp: '2026-01-01T04:00:00.000Z',
  SignatureVersion: '1',
  SigningCertURL: CERTIFICATE,
}
const subscription = {
  ...notification,
  Type: 'SubscriptionConfirmation',
  Message: 'You have chosen to subscribe',
  Token: 'token',
  SubscribeURL: `${SNS}/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=token`,
}

function signed(fields: JsonObject): JsonObject {
  return signSns(fields, privateKey) ?? expect.fail('cannot be signed')
}

function receive(
  fields: JsonObject,
  settings: Readonly<Record<string, string>> = SETTINGS,
  certificates = new Map(),
) {
  const account = { gateway: 'bkash', account: 'default', secrets: [], settings }
  const body = Buffer.from(JSON.stringify(fields))
  return bkash.receive({ body, headers: {}, query: new URLSearchParams() }, account, null, certificates)
}

function eventOf(fields: JsonObject, settings?: Readonly<Record<string, string>>) {
  const received = receive(signed(fields), settings)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

function eventOfPayment(change: object) {
  return eventOf({ ...notification, Message: JSON.stringify({ ...payment, ...change }) })
}

describe('the signature', () => {
  it.each(['1', '2'])('version %s', (SignatureVersion) => {
    expect(receive(signed({ ...notification, SignatureVersion }))).toMatchObject({ kind: 'accepted' })
    expect(receive(signed({ ...notification, SignatureVersion, Subject: 'a payment' })).kind).toBe('accepted')
  })

  it.each(['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'])(
    'another %s is refused',
    (name) => {
      const genuine = signed({ ...notification, Subject: 'a payment' })
      for (const value of ['SubscriptionConfirmation', `${genuine[name]} `, undefined, null, 1]) {
        const result = receive({ ...genuine, [name]: value })
        expect([value, result]).toEqual([value, expect.objectContaining({ code: 'signature_invalid' })])
      }
    },
  )

  it('another UnsubscribeURL, which is unsigned, changes nothing', () => {
    const genuine = signed(notification)
    expect(receive({ ...genuine, UnsubscribeURL: 'https://evil.example' })).toEqual(receive(genuine))
  })

  it('a version cannot be passed off as the other', () => {
    expect(receive({ ...signed(notification), SignatureVersion: '2' }).kind).toBe('refused')
  })

  it('lines cannot move from one field to the next', () => {
    const genuine = signed(notification)
    const shifted = {
      ...genuine,
      Message: `${notification.Message}\nMessageId\n22b80b92`,
      MessageId: undefined,
    }
    expect(receive(shifted)).toMatchObject({ code: 'signature_invalid' })
  })
})

describe('the certificate', () => {
  it('is never fetched from elsewhere, though a key is pinned', () => {
    const SigningCertURL = 'https://sns.ap-southeast-1.amazonaws.com.evil.example/x.pem'
    for (const settings of [SETTINGS, { TOPIC_ARN: TOPIC }]) {
      expect(receive({ ...signed(notification), SigningCertURL }, settings)).toMatchObject({
        kind: 'refused',
        code: 'signature_invalid',
      })
    }
  })

  it('is asked for where no key is pinned, and used when it is there', () => {
    const genuine = signed(notification)
    const settings = { TOPIC_ARN: TOPIC }
    expect(receive(genuine, settings)).toEqual({ kind: 'certificate_needed', url: CERTIFICATE })
    const key = createPublicKey(privateKey)
    expect(receive(genuine, settings, new Map([[CERTIFICATE, key]]))).toMatchObject({ kind: 'accepted' })
    expect(receive(genuine, settings, new Map([['other', key]])).kind).toBe('certificate_needed')
    const other = createPublicKey(generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey)
    expect(receive(genuine, settings, new Map([[CERTIFICATE, other]]))).toMatchObject({
      code: 'signature_invalid',
    })
  })

  it('of another kind than RSA verifies nothing', () => {
    const key = createPublicKey(generateKeyPairSync('ed25519').privateKey)
    expect(receive(signed(notification), { TOPIC_ARN: TOPIC }, new Map([[CERTIFICATE, key]]))).toMatchObject({
      code: 'signature_invalid',
    })
  })
})

describe('the topic', () => {
  it.each<[string, Record<string, string>, string]>([
    ['that is not pinned', { PUBLIC_KEY }, 'topic_unpinned'],
    ['of somebody else', { PUBLIC_KEY, TOPIC_ARN: `${TOPIC}-2` }, 'topic_mismatch'],
  ])('a payment over a topic %s is held, though Amazon signed it', (_, settings, hold) => {
    const event = eventOf(notification, settings)
    expect(event.hold).toBe(hold)
    expect(maySettle(bkash, event)).toBe(false)
    expect(eventOf(subscription, settings)).toMatchObject({ fact: null, hold })
  })

  it('is needed in production', () => {
    const account = { gateway: 'bkash', account: 'default', secrets: [], settings: {} }
    expect(accountProblems(bkash, account, true)).toEqual(['TOPIC_ARN is missing; production needs it'])
    const settings = { TOPIC_ARN: 'bkash', PUBLIC_KEY: 'x' }
    expect(accountProblems(bkash, { ...account, settings }, true)).toEqual([
      'TOPIC_ARN must be arn:aws:sns:<region>:<account>:<topic>',
      'PUBLIC_KEY must be an RSA key or certificate in PEM',
    ])
    expect(accountProblems(bkash, { ...account, settings: SETTINGS }, true)).toEqual([])
  })
})

describe('the subscription', () => {
  it('to our topic is confirmed at SNS', () => {
    expect(receive(signed(subscription))).toMatchObject({
      kind: 'subscription',
      url: subscription.SubscribeURL,
    })
  })

  it('is confirmed nowhere else', () => {
    const SubscribeURL = subscription.SubscribeURL.replace(SNS, `${SNS}.evil.example`)
    expect(eventOf({ ...subscription, SubscribeURL })).toMatchObject({
      fact: null,
      hold: 'object_unreadable',
    })
  })

  it.each(['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn'])(
    'another %s is refused',
    (name) => {
      const value = name === 'SubscribeURL' ? `${subscription.SubscribeURL}x` : 'x'
      expect(receive({ ...signed(subscription), [name]: value })).toMatchObject({ code: 'signature_invalid' })
    },
  )

  it('that ended is shown to a person', () => {
    const event = eventOf({ ...subscription, Type: 'UnsubscribeConfirmation' })
    expect(event).toMatchObject({ type: 'UnsubscribeConfirmation', fact: null, hold: 'subscription_ended' })
    expect(event.eventId).toBe('message:22b80b92')
  })
})

describe('payments', () => {
  it.each<[string, FactKind | null]>([
    ['Initiated', 'pending'],
    ['Pending Authorized', 'pending'],
    ['Authorized', 'authorized'],
    ['Completed', 'captured'],
    ['Declined', 'failed'],
    ['Failed', 'failed'],
    ['Cancelled', 'cancelled'],
    ['Expired', 'expired'],
    ['Reversed', null],
  ])('%s', (transactionStatus, kind) => {
    const event = eventOfPayment({ transactionStatus })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, kind === null ? 'status_unknown' : null])
  })

  it('reads the fact and the moment, which is of Dhaka', () => {
    const event = eventOf(notification)
    expect(maySettle(bkash, event)).toBe(true)
    expect(event.fact).toEqual({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: '4J420ANOXC',
      operationRef: '4J420ANOXC',
      amountMinor: 10_000n,
      currency: 'BDT',
    })
    expect(event.occurredAt?.toISOString()).toBe('2026-01-01T04:00:00.000Z')
    expect(eventOfPayment({ dateTime: 'now' }).occurredAt?.toISOString()).toBe('2026-01-01T04:00:00.000Z')
  })

  it('published twice is one event, whatever the message is called', () => {
    const again = eventOf({ ...notification, MessageId: 'another', Timestamp: '2026-01-01T05:00:00.000Z' })
    expect(again.eventId).toBe(eventOf(notification).eventId)
    expect([again.eventId, again.gatewayEventId]).toEqual(['4J420ANOXC:Completed', '4J420ANOXC'])
  })

  it('our invoice number comes before what the customer typed', () => {
    expect(eventOfPayment({ merchantInvoiceNumber: 'trip-2' }).fact?.merchantRef).toBe('trip-2')
    expect(eventOfPayment({ transactionReference: '' }).fact?.merchantRef).toBeNull()
  })

  it.each<[unknown, bigint | null]>([
    ['100', 10_000n],
    ['100.5', 10_050n],
    [100.5, 10_050n],
    ['100.505', null],
    ['1,000', null],
    ['-1', null],
  ])('the amount %j is %s', (amount, minor) => {
    const event = eventOfPayment({ amount })
    expect([event.fact?.amountMinor ?? null, event.hold]).toEqual([
      minor,
      minor === null ? 'amount_unreadable' : null,
    ])
  })

  it.each(['no JSON', '[]', ''])('the Message %j is kept and held', (Message) => {
    const event = eventOf({ ...notification, Message })
    expect(event).toMatchObject({ eventId: 'message:22b80b92', hold: 'body_unreadable' })
  })
})
