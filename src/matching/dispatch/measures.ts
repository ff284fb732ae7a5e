/** `850 m`, `2.4 km`. */
export function distanceText(meters: number): string {
  return meters < 1_000 ? `${Math.round(meters)} m` : `${(meters / 1_000).toFixed(1)} km`
}

/** `0.3 s`, `42 s`, `4 min 5 s`, `2 h 10 min`. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return joined([Math.floor(whole / 60), 'min'], [whole % 60, 's'])
  const minutes = Math.round(whole / 60)
  return joined([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min'])
}

function joined(large: readonly [number, string], small: readonly [number, string]): string {
  return [large, ...(small[0] === 0 ? [] : [small])].map(([count, unit]) => `${count} ${unit}`).join(' ')
}

/** `1 driver`, `2 drivers`. */
export function countText(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
