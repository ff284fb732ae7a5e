/** FIN and the opcode of a text frame (RFC 6455 5.2). */
const FINAL_TEXT = 0x81
const ONE_BYTE_LENGTH = 125
const TWO_BYTES_FOLLOW = 126
const EIGHT_BYTES_FOLLOW = 127
const MOST_IN_TWO_BYTES = 0xffff

/**
 * A message as it goes over the wire, for any number of sockets: one final text frame, not masked, since a server's never
 * is (RFC 6455 5.1), and not compressed. The text must be UTF-8.
 */
export function textFrame(text: string | Buffer): Buffer {
  const length = typeof text === 'string' ? Buffer.byteLength(text) : text.length
  const start = headerLength(length)
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = FINAL_TEXT
  if (start === 2) frame[1] = length
  else if (start === 4) {
    frame[1] = TWO_BYTES_FOLLOW
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = EIGHT_BYTES_FOLLOW
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  if (typeof text === 'string') frame.write(text, start)
  else text.copy(frame, start)
  return frame
}

function headerLength(length: number): 2 | 4 | 10 {
  if (length <= ONE_BYTE_LENGTH) return 2
  return length <= MOST_IN_TWO_BYTES ? 4 : 10
}
