import { createHash, type KeyObject } from 'node:crypto'
import type { FactKind } from '../../payments/fact.ts'
import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
} from './adapter.ts'
import { majorUnits } from './kit/amount.ts'
import { dateOfText, isIdentifier, type JsonObject, parseObject, wordOf } from './kit/body.ts'
import { publicKeySetting } from './kit/public-key.ts'
import { unreadable } from './kit/raw-hmac.ts'
import { isCertificateNeeded, keyOfCertificate } from './kit/rsa-signature.ts'
import { confirmationUrl, isSignedBy, readSns, type SnsMessage } from './kit/sns.ts'
import { accepted, completeFact, type Hold, held, type Reading, refused } from './kit/verdict.ts'

const TOPIC_ARN = /^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}$/

/** The topic of development and of the samples. */
export const DEVELOPMENT_TOPIC = 'arn:aws:sns:ap-southeast-1:000000000000:bkash-webhook'

/**
 * bKash, https://developer.bka.sh: payments are published to a topic of Amazon SNS, which signs for everybody who has a topic.
 * So the signature says that a message comes from Amazon, and only TOPIC_ARN that it comes from bKash.
 */
export const bkash: GatewayAdapter = {
  name: 'bkash',
  about: {
    title: 'bKash (Amazon SNS)',
    source: 'https://developer.bka.sh/docs/webhook-overview',
    signature:
      'RSA over the message, its id, time and topic (`SignatureVersion` 1: SHA-1, 2: SHA-256), by a certificate of `sns.<region>.amazonaws.com`',
    eventId: '`trxID` and `transactionStatus`',
  },
  tier: 'B',
  confirmFirst: false,
  secretForm: 'none',
  secretsOptional: true,
  settings: [
    {
      name: 'TOPIC_ARN',
      meaning: 'the topic to which bKash publishes your payments; without it every message is held',
      needed: 'verify',
      development: DEVELOPMENT_TOPIC,
      problem: (value) =>
        TOPIC_ARN.test(value.trim()) ? null : 'must be arn:aws:sns:<region>:<account>:<topic>',
    },
    publicKeySetting('Amazon'),
  ],
  receive,
}

function receive(
  delivery: Delivery,
  account: GatewayAccount,
  _nowMs: number | null,
  certificates?: ReadonlyMap<string, KeyObject>,
): Received {
  const body = parseObject(delivery.body)
  if (body === null) return refused('malformed_body', 'the body is not a JSON object')
  const message = readSns(body)
  if ('kind' in message) return message
  const key = keyOfCertificate(message.certificateUrl, account, certificates)
  if (key !== null && isCertificateNeeded(key)) return key
  if (key === null || !isSignedBy(key, message))
    return refused('signature_invalid', 'Signature is not that of the certificate')

  const signature = message.signature.toString('hex')
  const topic = account.settings.TOPIC_ARN?.trim()
  if (message.type === 'SubscriptionConfirmation' && topic && topicHold(message, topic) === null) {
    const url = confirmationUrl(message.text('SubscribeURL'), topic)
    if (url !== null) return { kind: 'subscription', signature, url }
  }
  return accepted(0, signature, readEvent(message, topic))
}

/** Anybody may have a topic and publish to it what he likes. */
function topicHold(message: SnsMessage, topic: string | undefined): Hold | null {
  if (!topic) return 'topic_unpinned'
  return message.text('TopicArn') === topic ? null : 'topic_mismatch'
}

function readEvent(message: SnsMessage, topic: string | undefined): GatewayEvent {
  const hold = topicHold(message, topic)
  if (message.type === 'Notification') return { ...readNotification(message), ...(hold !== null && { hold }) }
  return { ...unread(message), type: message.type, hold: hold ?? subscriptionHold(message) }
}

/** A topic from which we were taken tells nothing any more. A confirmation that comes here had no address of SNS. */
function subscriptionHold({ type }: SnsMessage): Hold {
  return type === 'UnsubscribeConfirmation' ? 'subscription_ended' : 'object_unreadable'
}

/** What has no transaction to be known by: SNS's own id of the message, which is signed and the same at every attempt. */
function unread(message: SnsMessage): GatewayEvent {
  const own = `message:${message.text('MessageId')}`
  const digest = createHash('sha256').update(message.signature).digest('hex')
  return { ...unreadable(digest), ...(isIdentifier(own) && { eventId: own }) }
}

/** bKash may publish a transaction twice, so that its own id counts and not that of the message. */
function readNotification(message: SnsMessage): GatewayEvent {
  const payment = parseObject(Buffer.from(message.text('Message') ?? ''))
  if (payment === null) return unread(message)
  const { trxID, transactionStatus } = payment
  const own = `${wordOf(trxID)}:${wordOf(transactionStatus)}`
  const isKnown = isIdentifier(trxID) && isIdentifier(transactionStatus) && isIdentifier(own)
  return {
    eventId: isKnown ? own : unread(message).eventId,
    ...(isKnown && { gatewayEventId: trxID }),
    type: isIdentifier(transactionStatus) ? transactionStatus : 'Notification',
    occurredAt: dateOfDhaka(payment.dateTime) ?? dateOfText(message.text('Timestamp')),
    signed: DECISIVE_FIELDS,
    ...readFact(payment),
  }
}

const STATUSES: ReadonlyMap<unknown, FactKind> = new Map([
  ['Initiated', 'pending'],
  ['Pending Authorized', 'pending'],
  ['Authorized', 'authorized'],
  ['Completed', 'captured'],
  ['Declined', 'failed'],
  ['Failed', 'failed'],
  ['Cancelled', 'cancelled'],
  ['Expired', 'expired'],
])

/** merchantInvoiceNumber is ours; transactionReference may be what the customer typed, and finds a payment all the same. */
function readFact(payment: JsonObject): Reading {
  const { trxID, transactionStatus, amount, currency, merchantInvoiceNumber, transactionReference } = payment
  const kind = STATUSES.get(transactionStatus)
  if (kind === undefined) return held('status_unknown')
  return completeFact({
    kind,
    merchantRef: merchantInvoiceNumber || transactionReference || null,
    gatewayRef: trxID,
    operationRef: trxID,
    amountMinor: majorUnits(amount, currency),
    currency,
  })
}

const COMPACT_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/

/** `20260101100000`, the time of Dhaka. */
function dateOfDhaka(value: unknown): Date | null {
  return typeof value === 'string' && COMPACT_TIME.test(value)
    ? dateOfText(value.replace(COMPACT_TIME, '$1-$2-$3T$4:$5:$6+06:00'))
    : null
}
