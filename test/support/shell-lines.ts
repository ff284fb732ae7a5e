import { STATUS_CODES } from 'node:http'

/** A command of a document: words of a shell line, and what the document says it prints. */
export interface Pasted {
  readonly words: readonly string[]
  readonly said: readonly string[]
}

/** The bodies of a document's code blocks of one language. */
export function codeBlocks(markdown: string, language: string): string[] {
  const fences = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')
  return [...markdown.matchAll(fences)].map(([, body = '']) => body)
}

/**
 * Reads a block of plain shell: assignments, which are put into `variables`, and commands. Comments directly below a
 * command are what it prints; others are for the reader. Throws on whatever a shell would read otherwise than this does.
 */
export function readCommands(block: string, variables: Map<string, string>): Pasted[] {
  const commands: { words: string[]; said: string[] }[] = []
  let last: { said: string[] } | null = null
  for (const line of block.split('\n')) {
    const assignment = /^([A-Za-z_]+)=(.*)$/.exec(line)
    if (line.startsWith('# ')) last?.said.push(line.slice(2))
    else if (line === '') last = null
    else if (assignment)
      variables.set(assignment[1] ?? '', readWords(assignment[2] ?? '', variables).join(' '))
    else {
      const command = { words: readWords(line, variables), said: [] }
      commands.push(command)
      last = command
    }
  }
  return commands
}

const WORD = /'([^']*)'|"([^"`\\]*)"|([\w./:-]+)/y

function readWords(text: string, variables: ReadonlyMap<string, string>): string[] {
  const words: string[] = []
  for (let at = 0; at < text.length; at = WORD.lastIndex) {
    WORD.lastIndex = at
    const [, single, double, bare] = WORD.exec(text) ?? []
    const word = single ?? bare ?? double?.replace(/\$(\w+)/g, (_, name) => variableOf(name, variables))
    if (word === undefined || word.includes('$(')) throw new Error(`not plain shell: ${text.slice(at)}`)
    words.push(word)
    if (WORD.lastIndex < text.length && text[WORD.lastIndex++] !== ' ') throw new Error(`not plain: ${text}`)
  }
  return words
}

function variableOf(name: string, variables: ReadonlyMap<string, string>): string {
  const value = variables.get(name)
  if (value === undefined) throw new Error(`$${name} is not set`)
  return value
}

/**
 * Does what `curl -sSi URL -H … -d …` does, on machines without curl, and returns the lines that it prints: the status
 * line, the headers, the body. Throws on options it does not know.
 */
export async function curl([program, ...words]: readonly string[]): Promise<string[]> {
  if (program !== 'curl') throw new Error(`${program} is not curl`)
  const headers = new Headers()
  let url: string | undefined
  let body: string | undefined
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]
    if (word === '-H') {
      const [name = '', value = ''] = (words[++index] ?? '').split(/: (.*)/)
      headers.set(name, value)
    } else if (word === '-d') body = words[++index]
    else if (word !== '-sSi' && word?.startsWith('-')) throw new Error(`unknown option ${word}`)
    else if (word !== '-sSi') url = word
  }
  if (url === undefined) throw new Error('no address')
  if (!headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded')
  const response = await fetch(url, body === undefined ? { headers } : { method: 'POST', headers, body })
  return [
    `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status]}`,
    ...[...response.headers].map(([name, value]) => `${name}: ${value}`),
    await response.text(),
  ]
}

/** Is the line what the document says, where `…` stands for anything? */
export function isAsSaid(line: string, said: string): boolean {
  const parts = said.split('…').map((part) => part.replace(/[^\w\s]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(line)
}
