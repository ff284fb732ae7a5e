/** The report's style sheet: no fonts, no images, nothing from elsewhere. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #667085; --line: #d9dee7; --paper: #ffffff; --ground: #f4f6f9;
  --accent: #2563eb; --waiting: #dc2626; --idle: #94a3b8; --pickup: #f59e0b; --riding: #16a34a; --away: #cbd5e1; --good: #15803d; --bad: #b91c1c }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #333b49; --paper: #151a22; --ground: #1d232d;
  --accent: #6ea0ff; --idle: #64748b; --away: #475569; --good: #4ade80; --bad: #f87171 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1120px; padding: 28px 20px 60px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 18px; margin: 36px 0 12px }
.sub, .hint { color: var(--soft); margin: 0 } .hint { font-size: 13px }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; margin: 22px 0 }
.tile { background: var(--ground); border-radius: 10px; padding: 12px 14px }
.tile b { display: block; font-size: 24px; font-variant-numeric: tabular-nums } .tile span { color: var(--soft); font-size: 13px }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 18px }
@media (max-width: 520px) { .charts { grid-template-columns: 1fr } }
figure { margin: 0; background: var(--ground); border-radius: 10px; padding: 14px } figure.wide { grid-column: 1 / -1 }
figcaption { font-weight: 600; margin-bottom: 6px }
svg { width: 100%; height: auto; display: block } svg.map { max-width: 420px; margin: 0 auto }
.grid { stroke: var(--line); stroke-width: 1 } .tick, .label { fill: var(--soft); font-size: 11px }
.bar { fill: var(--accent) } .curve { fill: none; stroke: var(--accent); stroke-width: 2.5 }
.even { stroke: var(--soft); stroke-dasharray: 4 4 } .ground { fill: var(--paper) }
.fill-waiting, .fill-unserved { fill: var(--waiting) } .fill-idle { fill: var(--idle) } .fill-pickup { fill: var(--pickup) }
.fill-riding, .fill-served { fill: var(--riding) } .fill-away, .fill-left { fill: var(--away) } circle { fill-opacity: .75 }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 8px 0 0; padding: 0; font-size: 13px }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px }
.key-waiting, .key-unserved { background: var(--waiting) } .key-idle { background: var(--idle) } .key-pickup { background: var(--pickup) }
.key-riding, .key-served { background: var(--riding) } .key-away, .key-left { background: var(--away) }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--soft); font-weight: 500; font-size: 13px } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.good { color: var(--good); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 }
code { font-size: 13px; overflow-wrap: anywhere }
`
