/** The report's style sheet: no fonts, no images, nothing from elsewhere. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #586174; --line: #d9dee7; --paper: #ffffff; --ground: #f4f6f9;
  --accent: #2563eb; --waiting: #dc2626; --idle: #64748b; --pickup: #c2640a; --riding: #15803d; --away: #8b5cf6; --good: #15803d; --bad: #b91c1c }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #333b49; --paper: #151a22; --ground: #1d232d;
  --accent: #6ea0ff; --waiting: #f87171; --idle: #94a3b8; --pickup: #fbbf24; --riding: #22c55e; --away: #a78bfa; --good: #4ade80; --bad: #f87171 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1120px; padding: 28px 20px 60px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 18px; margin: 36px 0 12px }
.sub, .hint { color: var(--soft); margin: 0 } .hint { font-size: 13px }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 12px; margin: 22px 0 }
.tile { background: var(--ground); border-radius: 10px; padding: 12px 14px }
.tile b { display: block; font-size: 24px; font-variant-numeric: tabular-nums } .tile span { color: var(--soft); font-size: 13px }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 18px; align-items: start }
figure { margin: 0; background: var(--ground); border-radius: 10px; padding: 14px; min-width: 0 }
figcaption { font-weight: 600; margin-bottom: 6px }
svg { width: 100%; height: auto; display: block } svg.map { max-width: 420px; margin: 0 auto }
.grid { stroke: var(--line); stroke-width: 1 } .tick, .label { fill: var(--soft); font-size: 13px } .label { fill: var(--ink) }
@media (max-width: 520px) { .tick, .label { font-size: 15px } th, td { padding: 6px 5px } tbody th { width: auto } }
.bar { fill: var(--accent) } .curve { fill: none; stroke: var(--accent); stroke-width: 2.5 }
.even { stroke: var(--soft); stroke-dasharray: 4 4 } .ground { fill: var(--paper) }
.fill-waiting, .fill-unserved { fill: var(--waiting) } .fill-idle { fill: var(--idle) } .fill-pickup { fill: var(--pickup) }
.fill-riding, .fill-served { fill: var(--riding) } .fill-away, .fill-left { fill: var(--away) } .map use { fill-opacity: .8 }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 8px 0 0; padding: 0; font-size: 13px }
.legend i, .legend svg.key { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px }
.key-curve { background: var(--accent) } .legend .key-even { border-top: 2px dashed var(--soft); height: 0; border-radius: 0; vertical-align: middle }
.key-waiting { background: var(--waiting) } .key-idle { background: var(--idle) } .key-pickup { background: var(--pickup) }
.key-riding { background: var(--riding) } .key-away { background: var(--away) }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--soft); font-weight: 500; font-size: 13px } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.good { color: var(--good); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 }
.mark { white-space: nowrap } td.n { white-space: nowrap } tbody th { width: 240px } .scroll { overflow-x: auto }
details { margin-top: 24px } summary { cursor: pointer; font-weight: 600 } code { font-size: 13px; overflow-wrap: anywhere }
`
