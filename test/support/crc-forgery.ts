import { crc32 } from 'node:zlib'

/** CRC-32 has 32 bits; with 64 free ones some choice of blanks always meets them. */
const BLANKS = 64

/**
 * The JSON `text` with blanks and tabs at its end, so that its CRC-32 is that of `genuine`. CRC-32 is linear: each blank that
 * becomes a tab flips the same bits of it whatever the others are, so that the right choice is the solution of 32 equations.
 */
export function withCrcOf(genuine: Buffer, text: string): Buffer {
  const body = Buffer.from(text + ' '.repeat(BLANKS))
  const start = body.length - BLANKS
  const base = crc32(body)
  const flips = Array.from({ length: BLANKS }, (_, index) => {
    const changed = Buffer.from(body)
    changed[start + index] = 0x09
    return (crc32(changed) ^ base) >>> 0
  })
  for (const index of subsetWithXor(flips, (crc32(genuine) ^ base) >>> 0)) body[start + index] = 0x09
  return body
}

/** Indexes of values whose XOR is `target`, by elimination. Throws where there are none. */
function subsetWithXor(values: readonly number[], target: number): readonly number[] {
  const rows: { readonly value: number; readonly members: bigint }[] = []
  const reduce = (value: number, members: bigint) => {
    let [left, own] = [value, members]
    for (const row of rows) {
      if ((left ^ row.value) >>> 0 < left) [left, own] = [(left ^ row.value) >>> 0, own ^ row.members]
    }
    return { value: left, members: own }
  }
  values.forEach((value, index) => {
    const row = reduce(value, 1n << BigInt(index))
    if (row.value === 0) return
    rows.push(row)
    rows.sort((a, b) => b.value - a.value)
  })
  const found = reduce(target, 0n)
  if (found.value !== 0) throw new Error('no choice of blanks has this CRC')
  return values.flatMap((_, index) => (((found.members >> BigInt(index)) & 1n) === 1n ? [index] : []))
}
