const HEADER_BYTES = 4

/**
 * Finds where MySQL packets begin in a stream that comes in chunks: three bytes of length, one of sequence, the payload
 * (dev.mysql.com, "Protocol::Packet").
 */
export class PacketStarts {
  #header = Buffer.alloc(0)
  #payloadLeft = 0

  /** The offsets in this chunk, the next of the stream, at which packets begin. */
  read(chunk: Buffer): number[] {
    const starts: number[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const step = Math.min(this.#payloadLeft, chunk.length - at)
        this.#payloadLeft -= step
        at += step
        continue
      }
      if (this.#header.length === 0) starts.push(at)
      const step = Math.min(HEADER_BYTES - this.#header.length, chunk.length - at)
      this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + step)])
      at += step
      if (this.#header.length < HEADER_BYTES) continue
      this.#payloadLeft = this.#header.readUIntLE(0, 3)
      this.#header = Buffer.alloc(0)
    }
    return starts
  }
}
