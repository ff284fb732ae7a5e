import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A certificate that a gateway might publish, and the key that signs with it. */
export interface TestCertificate {
  readonly pem: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const SEQUENCE = 0x30
const SET = 0x31
const NULL = 5
const [INTEGER, BIT_STRING, OID, UTF8, UTC_TIME, EXPLICIT_0] = [2, 3, 6, 12, 0x17, 0xa0]
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 */
const ECDSA = der(SEQUENCE, der(OID, Buffer.from('2a8648ce3d040302', 'hex')))
/** sha256WithRSAEncryption, 1.2.840.113549.1.1.11 */
const RSA = der(SEQUENCE, der(OID, Buffer.from('2a864886f70d01010b', 'hex')), der(NULL))

export interface CertificateShape {
  /** To whom it is given; a host's name for a host. */
  readonly commonName?: string
  /** P-256 by default. */
  readonly rsa?: boolean
}

/** A self-signed certificate of a key of its own, valid between these moments, in milliseconds. */
export function certificateOf(
  fromMs: number,
  untilMs: number,
  { commonName: whose = 'test', rsa = false }: CertificateShape = {},
): TestCertificate {
  const { privateKey, publicKey } = rsa
    ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = rsa ? RSA : ECDSA
  const commonName = der(SEQUENCE, der(OID, Buffer.from('550403', 'hex')), der(UTF8, Buffer.from(whose)))
  const name = der(SEQUENCE, der(SET, commonName))
  const body = der(
    SEQUENCE,
    der(EXPLICIT_0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    algorithm,
    name,
    der(SEQUENCE, time(fromMs), time(untilMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = der(BIT_STRING, Buffer.from([0]), sign('sha256', body, privateKey))
  const whole = der(SEQUENCE, body, algorithm, signature).toString('base64')
  const pem = `-----BEGIN CERTIFICATE-----\n${(whole.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`
  return { pem, privateKey, publicKey }
}

/** `YYMMDDhhmmssZ`: whole seconds between 1950 and 2049. */
function time(atMs: number): Buffer {
  return der(UTC_TIME, Buffer.from(`${new Date(atMs).toISOString().slice(2, 19).replace(/\D/g, '')}Z`))
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}
