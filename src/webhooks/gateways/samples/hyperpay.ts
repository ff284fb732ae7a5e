import { randomBytes } from 'node:crypto'
import { minorToDecimal } from '../../../base/money.ts'
import { encrypt, IV_BYTES } from '../hyperpay-cipher.ts'
import type { JsonObject } from '../kit/body.ts'
import { decodeHex } from '../kit/signature.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const RESULTS: Words<readonly [paymentType: string, code: string, description: string]> = {
  pending: ['DB', '000.200.000', 'transaction pending'],
  authorized: ['PA', '000.000.000', 'Transaction succeeded'],
  captured: ['DB', '000.000.000', 'Transaction succeeded'],
  failed: ['DB', '800.100.152', 'transaction declined by authorization system'],
  cancelled: ['RV', '000.000.000', 'Transaction succeeded'],
  expired: ['DB', '100.396.103', 'Previously pending transaction timed out'],
  refunded: ['RF', '000.000.000', 'Transaction succeeded'],
  refund_failed: ['RF', '800.100.152', 'transaction declined by authorization system'],
  disputed: ['CB', '000.000.000', 'Transaction succeeded'],
  dispute_won: ['CR', '000.000.000', 'Transaction succeeded'],
}

export const hyperpaySample: GatewaySample = { kinds: kindsOf(RESULTS), currency: 'SAR', build, sign }

/** Every byte of the plaintext makes two hex digits of the body. */
const DIGITS_PER_BYTE = 2

function build(spec: SampleSpec): SignedSample {
  const [paymentType, code, description] = wordsFor(RESULTS, spec.kind)
  const payload = {
    ...idsOf(paymentType, spec),
    paymentType,
    paymentBrand: 'MADA',
    amount: minorToDecimal(spec.amountMinor, spec.currency),
    currency: spec.currency,
    merchantTransactionId: spec.merchantRef,
    result: { code, description },
    timestamp: new Date(spec.nowMs).toISOString().replace('T', ' ').replace(/\..*$/, '+0000'),
    ndc: '8a8294174b7ecb28014b9699220015ca',
  }
  return sign(jsonBody({ type: 'PAYMENT', payload }, (spec.bodyBytes ?? 0) / DIGITS_PER_BYTE), spec)
}

/** What a reversal or the end of a chargeback is about is the operation; the other follow-ups are operations of their own. */
function idsOf(paymentType: string, { operationRef: id, gatewayRef, merchantRef }: SampleSpec): JsonObject {
  if (['PA', 'DB'].includes(paymentType)) return { id }
  if (['RV', 'CR'].includes(paymentType)) return { id: `${paymentType}-${id}`, referencedId: id }
  return { id, referencedId: gatewayRef ?? merchantRef }
}

/** Encrypts: whoever can do that under the right key is HyperPay. */
function sign(plaintext: Buffer, { secret }: SampleSpec): SignedSample {
  const key = decodeHex(secret, 32)
  if (key === null) throw new RangeError('the secret of hyperpay is 64 hex digits')
  const { ciphertext, iv, tag } = encrypt(plaintext, key, randomBytes(IV_BYTES))
  const hex = (bytes: Buffer) => bytes.toString('hex').toUpperCase()
  return {
    headers: {
      'content-type': 'text/plain',
      'x-initialization-vector': hex(iv),
      'x-authentication-tag': hex(tag),
    },
    body: Buffer.from(hex(ciphertext)),
  }
}
