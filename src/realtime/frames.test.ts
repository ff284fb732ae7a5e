import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as library from 'ws'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { textFrame } from './frames.ts'

interface Reader {
  on(event: 'message', hear: (data: Buffer) => void): void
  write(bytes: Buffer): void
}
const { Receiver } = library as unknown as { Receiver: new (options: { isServer: boolean }) => Reader }

/** What the library's own reader makes of the bytes of a client's point of view: a client's receiver takes frames that are not masked. */
function readFrames(bytes: Buffer): string[] {
  const texts: string[] = []
  const receiver = new Receiver({ isServer: false })
  receiver.on('message', (data) => texts.push(data.toString()))
  receiver.write(bytes)
  return texts
}

describe('a frame', () => {
  it('is read as the text that it was made of, whatever its length', () => {
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(125, 126, 127, 65_534, 65_535, 65_536, 65_537, 200_000),
    )
    fc.assert(
      fc.property(lengths, fc.string({ unit: 'grapheme', minLength: 1 }), (length, seed) => {
        const text = seed
          .repeat(Math.ceil(length / seed.length))
          .slice(0, length)
          .toWellFormed()
        expect(readFrames(textFrame(text))).toEqual([text])
        expect(readFrames(textFrame(Buffer.from(text)))).toEqual([text])
      }),
      propertyRuns(200),
    )
  })

  it('can be followed by another in the same bytes', () => {
    expect(readFrames(Buffer.concat([textFrame('one'), textFrame('two')]))).toEqual(['one', 'two'])
  })
})
