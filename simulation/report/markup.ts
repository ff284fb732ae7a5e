/** Text that is HTML already. */
export interface Markup {
  readonly html: string
}

type Part = Markup | string | number | readonly Markup[]

/** HTML whose inserted texts are escaped, unless they are markup themselves. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { html: texts.map((text, index) => text + shown(parts[index] ?? '')).join('') }
}

/** Words of ours alone: a style sheet. */
export function trusted(text: string): Markup {
  return { html: text }
}

export function joined(parts: readonly Markup[]): Markup {
  return { html: parts.map((part) => part.html).join('\n') }
}

function shown(part: Part): string {
  if (typeof part === 'number') return String(Math.round(part * 100) / 100)
  if (typeof part === 'string') return escaped(part)
  return 'html' in part ? part.html : part.map((one) => one.html).join('\n')
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
