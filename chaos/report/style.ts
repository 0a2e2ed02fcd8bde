/** The page's only style sheet: light and dark by the reader's setting, light on paper. */
export const style = `
:root { color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #1d2126; --dim: #5c646d; --line: #dcd9d2; --faint: #edeae4;
  --good: #1f7a4d; --good-soft: #dcefe4; --bad: #b3261e; --bad-soft: #f9dedc; --part: #8a5a00; --part-soft: #fbeacb;
  --detected: #7a5195; --proven: #c2571a; --started: #1b6f9e; --bar: #6d86a0; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #15181c; --card: #1c2025; --ink: #e6e8ea; --dim: #9aa3ad; --line: #343a42; --faint: #262b31;
  --good: #6fcf97; --good-soft: #17382a; --bad: #ff8a80; --bad-soft: #4a1d1b; --part: #f0c36a; --part-soft: #3f3114;
  --detected: #b794d6; --proven: #f0935a; --started: #5db3e0; --bar: #71879c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; font-variant-numeric: tabular-nums; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; letter-spacing: -0.01em; }
header p { margin: 0; color: var(--dim); }
h2 { font-size: 1.2rem; margin: 0 0 0.5rem; }
h3 { font-size: 0.95rem; margin: 0.75rem 0 0.4rem; }
section { margin-top: 2.75rem; }
section > p { max-width: 46rem; }
code { font: 0.88em/1.4 ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.command { display: inline-block; padding: 0.15rem 0.45rem; background: var(--faint); border-radius: 4px; user-select: all; }
.verdict { margin: 1.25rem 0 1rem; padding: 0.8rem 1.1rem; border-radius: 8px; font-size: 1.1rem; font-weight: 600;
  border-left: 5px solid var(--dim); background: var(--faint); }
.verdict.good { border-color: var(--good); background: var(--good-soft); color: var(--good); }
.verdict.part { border-color: var(--part); background: var(--part-soft); color: var(--part); }
.verdict.bad { border-color: var(--bad); background: var(--bad-soft); color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 0.75rem; }
.card { display: block; padding: 0.7rem 0.9rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  color: inherit; text-decoration: none; }
.card:hover { border-color: var(--dim); }
.card b { display: block; font-size: 1.35rem; line-height: 1.25; white-space: nowrap; }
.card span { color: var(--dim); font-size: 0.85rem; }
.card.good b { color: var(--good); } .card.bad b { color: var(--bad); }
aside { margin-top: 1.25rem; padding: 0.7rem 1.1rem; border: 1px dashed var(--line); border-radius: 8px; color: var(--dim); }
aside h2 { font-size: 0.95rem; margin: 0; } aside ul { margin: 0.25rem 0; padding-left: 1.2rem; }
.mark { font-weight: 700; } .mark.good { color: var(--good); } .mark.bad { color: var(--bad); }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.9rem 0.35rem 0; }
thead th { color: var(--dim); font-weight: 500; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr + tr > * { border-top: 1px solid var(--faint); }
tbody th { font-weight: 400; }
.tight { white-space: nowrap; } .number { text-align: right; white-space: nowrap; }
.long { overflow-wrap: anywhere; min-width: 11rem; }
.wide { overflow-x: auto; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 0 2.5rem; }
.bars td:nth-child(2) { text-align: right; white-space: nowrap; width: 1%; }
.bars td:nth-child(3) { width: 38%; padding-right: 0; vertical-align: middle; }
.bars th, .bars td { padding-top: 0.16rem; padding-bottom: 0.16rem; } .bars tr + tr > * { border-top: 0; }
.bars svg { display: block; width: 100%; height: 0.6rem; } .bars rect { fill: var(--bar); }
.bars .never { color: var(--part); font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 1.25rem; }
figure { margin: 0; padding: 0.9rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; break-inside: avoid; }
figcaption { display: flex; flex-wrap: wrap; gap: 0 0.6rem; align-items: baseline; margin-bottom: 0.4rem; }
figcaption code { font-weight: 700; font-size: 1rem; } figcaption span, figcaption em { color: var(--dim); font-size: 0.85rem; }
figcaption em { margin-left: auto; }
svg { display: block; width: 100%; height: auto; }
.grid { stroke: var(--line); stroke-width: 1; } .grid.faint { stroke: var(--faint); }
.tick, .axis, .lane { fill: var(--dim); font-size: 11.5px; } .lane { fill: var(--ink); }
.curve { fill: none; stroke-width: 2.4; stroke-linejoin: round; }
.curve.detected { stroke: var(--detected); } .swatch.detected { background: var(--detected); }
.curve.proven { stroke: var(--proven); } .swatch.proven { background: var(--proven); }
.curve.started { stroke: var(--started); } .swatch.started { background: var(--started); }
.swatch { display: inline-block; width: 0.75rem; height: 0.75rem; border-radius: 2px; margin-right: 0.45rem; vertical-align: -1px; }
.quantiles { margin-top: 0.4rem; } .quantiles td, .quantiles thead th:not(:first-child) { text-align: right; white-space: nowrap; padding-right: 0; padding-left: 0.9rem; }
.timeline { min-width: 44rem; } .fault { fill: var(--bar); } .failover { stroke: var(--started); stroke-width: 1.5; stroke-dasharray: 3 2; }
.swatch.fault { background: var(--bar); } .swatch.failover { background: var(--started); width: 0.2rem; margin-left: 1rem; }
.note { color: var(--dim); font-size: 0.85rem; }
.key { display: inline-block; margin-right: 0.9rem; color: var(--dim); font-size: 0.88rem; }
.tile { display: inline-flex; align-items: baseline; gap: 0.25rem; min-width: 3.1rem; justify-content: space-between; margin: 0 0.25rem 0.25rem 0; padding: 0.05rem 0.4rem;
  border-radius: 4px; border: 1px solid var(--line); font-size: 0.78rem; font-style: normal; color: var(--dim); }
.key .tile { min-width: 0; margin: 0; } .tile small { font-size: 0.78rem; }
.tile.covered { background: var(--good-soft); border-color: transparent; color: var(--good); }
.tile.partly { background: var(--part-soft); border-color: transparent; color: var(--part); }
.tile.red { background: var(--bad-soft); border-color: var(--bad); color: var(--bad); font-weight: 700; }
.catalogue th { white-space: nowrap; } .tiles { width: 100%; padding-right: 0; }
details { margin-top: 0.75rem; } summary { cursor: pointer; color: var(--dim); } details[open] summary { margin-bottom: 0.5rem; }
.names code { margin-right: 0.5rem; }
footer { margin-top: 3.5rem; color: var(--dim); font-size: 0.85rem; border-top: 1px solid var(--line); padding-top: 0.75rem; }
@media (max-width: 40rem) { body { padding: 1.25rem 0.9rem; } .catalogue th { white-space: normal; } .columns { grid-template-columns: 1fr; } }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } section { break-inside: auto; } tr, figure { break-inside: avoid; }
  h2, h3 { break-after: avoid; } .wide { overflow: visible; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;
