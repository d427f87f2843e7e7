/** The style sheet of the page. Light on paper and by default, dark where the reader's system asks for it. */
import { darkTheme, lightTheme, type Theme } from './palette.ts';

function variables(theme: Theme): string {
  const lines = theme.lines.map((color, index) => `--line${index}:${color}`).join(';');
  const { ink, muted, rule, grid, paper, panel, accent, good, bad, warn } = theme;
  return `--ink:${ink};--muted:${muted};--rule:${rule};--grid:${grid};--paper:${paper};--panel:${panel};--accent:${accent};\
--good:${good};--bad:${bad};--warn:${warn};${lines}`;
}

const lineClasses = lightTheme.lines.map((_, index) => `.line${index}{background:var(--line${index})}`).join('\n');

export const pageStyle = `
:root{color-scheme:light dark;${variables(lightTheme)};
--serif:Charter,"Bitstream Charter","Sitka Text",Cambria,"Source Serif 4","Noto Serif",Georgia,serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--mono:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media screen and (prefers-color-scheme:dark){:root{${variables(darkTheme)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0 auto;max-width:72rem;padding:0 clamp(1rem,4vw,3rem) 4rem;background:var(--paper);color:var(--ink);
font:1rem/1.6 var(--serif);overflow-wrap:break-word}
a{color:var(--accent);text-underline-offset:.15em;text-decoration-thickness:1px}
:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:2px}
code{font:.9em/1.4 var(--mono)}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem 1rem;z-index:9}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}

header{padding-top:clamp(2rem,6vw,4.5rem)}
.kicker{margin:0;font:600 .75rem/1 var(--sans);letter-spacing:.09em;text-transform:uppercase;color:var(--muted)}
h1{margin:.75rem 0 1rem;font-weight:600;font-size:clamp(1.75rem,1.2rem + 2.6vw,2.75rem);line-height:1.15;letter-spacing:-.015em;
max-width:24em;overflow-wrap:anywhere;text-wrap:balance}
h2{margin:4.5rem 0 1.25rem;padding-top:1.1rem;border-top:2px solid var(--ink);font-weight:600;font-size:1.5rem;line-height:1.25;
overflow-wrap:anywhere}
h3{margin:3rem 0 .75rem;font-weight:600;font-size:1.2rem;line-height:1.3;overflow-wrap:anywhere}
h4{margin:2.25rem 0 .5rem;font-weight:600;font-size:1.1rem;line-height:1.3}
h2 code,h3 code{font-size:.88em;font-weight:600}
.lede{max-width:40em;font-size:1.125rem;margin:.75rem 0}
.prose{max-width:42em;margin:.75rem 0}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;margin:1.5rem 0 0;padding:0;list-style:none;font:.9rem/1.7 var(--sans)}
nav a{overflow-wrap:anywhere}
footer{margin-top:5rem;padding-top:1rem;border-top:1px solid var(--rule);font:.85rem/1.6 var(--sans);color:var(--muted)}

.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(12.5rem,42%),1fr));gap:0 1.5rem;margin:1.5rem 0}
.figures>div{padding:.7rem 0 .9rem;border-top:1px solid var(--rule)}
.figures dt{font:.8rem/1.4 var(--sans);color:var(--muted)}
.figures dd{margin:0;font-size:1.25rem;line-height:1.35;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.figures dd.aside{font:.8rem/1.4 var(--sans);color:var(--muted)}
.notice{margin:1.5rem 0;padding:.75rem 1.1rem;border-left:4px solid var(--warn);background:var(--panel);max-width:46rem}
.notice p{margin:0}
.notice ul{margin:.25rem 0 0;padding-left:1.2rem}
.note,.aside{font:.85rem/1.55 var(--sans);color:var(--muted)}
.note{max-width:48rem;margin:.6rem 0 0}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:0 3rem;align-items:start}
.columns>div{min-width:0}

table{border-collapse:separate;border-spacing:0;width:100%;font:.875rem/1.45 var(--sans)}
caption,.caption{font:600 .95rem/1.4 var(--sans);color:var(--ink);text-align:left}
caption{padding-bottom:.5rem}
.scroll caption>span{position:sticky;left:0;display:inline-block;max-width:min(100%,calc(100vw - 2rem))}
.scroll,.bars,.claims,.empty,.chart{margin:1.75rem 0 0}
.scroll{overflow-x:auto}
th,td{padding:.4rem .9rem .4rem 0;text-align:left;vertical-align:top;font-weight:400}
th:last-child,td:last-child{padding-right:.25rem}
thead th{vertical-align:bottom;font-size:.8rem;line-height:1.3;color:var(--muted);border-bottom:1px solid var(--ink)}
tbody tr+tr>*{border-top:1px solid var(--grid)}
tbody:last-child tr:last-child>*{border-bottom:1px solid var(--rule)}
th.group{padding-top:1.1rem;font-size:.8rem;color:var(--muted);border-bottom:1px solid var(--rule)}
th.group span{position:sticky;left:0}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
thead .number{white-space:normal;max-width:7.5rem}
.name{white-space:nowrap}
.number+:not(.number){padding-left:1rem}
tbody .code{font-family:var(--mono);font-size:.8rem;overflow-wrap:anywhere}
.dense table{font-size:.8rem}
.dense thead th{font-size:.75rem}
.dense th,.dense td{padding-right:.65rem}
.dense thead .number{max-width:5.5rem}
.empty p{margin:0}
.empty p+p{color:var(--muted);font:.9rem/1.6 var(--sans)}

.grid table{width:auto;font-size:.8rem}
.grid thead th.letter{border-bottom:0;border-top:1px solid var(--ink);writing-mode:vertical-rl;transform:rotate(180deg);padding:.3rem .2rem .3rem 0;text-align:left;font-weight:400;white-space:nowrap}
.grid td.letter{text-align:center;padding:.4rem .45rem;font:600 .8rem/1.3 var(--mono)}
.grid .letter+.number{padding-left:1.25rem}
.grid td.letter abbr{text-decoration:none;cursor:help}
.grid .letter.good{color:var(--good)}.grid .letter.bad{color:var(--bad)}.grid .letter.warn{color:var(--warn)}.grid .letter.muted{color:var(--muted)}

.claims{font-size:.95rem}
.claims th[scope=row]{width:27%;font:600 1rem/1.45 var(--serif)}
.claims tbody td,.claims tbody th{padding-top:.8rem;padding-bottom:.8rem}
.claims td{width:29%}
.claims .aside{margin:.35rem 0 0}
.claims td.holds{width:1%;white-space:nowrap;font-weight:600}
.holds.yes{color:var(--good)}.holds.no{color:var(--bad)}.holds.partly{color:var(--warn)}.holds.not-measured{color:var(--muted)}

.bars caption .summary{display:block;max-width:48rem;font-weight:400;font-size:.85rem;color:var(--muted)}
.bars th{width:1%;white-space:nowrap;padding-right:1.25rem}
.bars td{padding-right:0}
.bars td,.bars th{vertical-align:middle}
.bars tbody tr>*{border:0!important;padding-top:.22rem;padding-bottom:.22rem}
.track{display:inline-block;vertical-align:middle;position:relative;width:calc(100% - 8.5rem);height:1.05rem;background:var(--panel)}
.bar{position:absolute;inset:0 auto 0 0;min-width:2px;background:var(--line1)}
.reference .bar{background:repeating-linear-gradient(135deg,var(--muted) 0 2px,transparent 2px 5px);border:1px solid var(--muted)}
.reference th{font-style:italic}
.mark{position:absolute;inset:-.22rem auto;width:0;border-left:1px dashed var(--ink)}
.bars .value{display:inline-block;vertical-align:middle;width:8rem;padding-left:.6rem;font-variant-numeric:tabular-nums;white-space:nowrap}

.chart{display:grid;grid-template-columns:1fr auto;gap:0 1.5rem;align-items:end;padding:0;break-inside:avoid}
.chart>*{grid-column:1/-1;min-width:0}
.chart>figcaption:has(+.log){grid-column:1}
.chart>.log{grid-column:2}
figcaption .caption{margin:0}
figcaption p+p{margin:.1rem 0 0;max-width:52rem;font:.85rem/1.5 var(--sans);color:var(--muted)}
.plot{height:19rem;margin:.75rem 0 .5rem;overflow:hidden}
.plot .u-axis{color:var(--muted)}
.u-select{background:color-mix(in srgb,var(--accent) 18%,transparent)!important}
.legend{font:.85rem/1.4 var(--sans)}
.legend .row{display:flex;justify-content:space-between;gap:1rem;margin:0 0 .2rem;color:var(--muted);font-size:.8rem;font-variant-numeric:tabular-nums}
.hint{display:none}
@media (hover:hover) and (min-width:44.01rem){.hint{display:inline}}
.legend ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,16rem),20rem));gap:0 2.5rem;margin:0;padding:0;list-style:none}
.legend button,.log{font:inherit;color:inherit;background:none;border:0;padding:.25rem 0;cursor:pointer;text-align:left}
.legend button{display:flex;align-items:baseline;gap:.6rem;width:100%}
.legend .name{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.legend .value{font-variant-numeric:tabular-nums;white-space:nowrap}
.legend button[aria-pressed=false]{color:var(--muted);text-decoration:line-through}
.legend button[aria-pressed=false] .swatch{opacity:.25}
.swatch{align-self:center;flex:none;width:1.5rem;height:4px;border-radius:2px}
.log{padding:.15rem .7rem;border:1px solid var(--rule);border-radius:1rem;font:.8rem/1.5 var(--sans)}
.log[aria-pressed=true]{background:var(--ink);color:var(--paper);border-color:var(--ink)}
${lineClasses}
.again{-webkit-mask:repeating-linear-gradient(90deg,#000 0 6px,#0000 6px 9px);mask:repeating-linear-gradient(90deg,#000 0 6px,#0000 6px 9px)}

@media (max-width:44rem){
.claims thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.claims,.claims tbody,.claims tr,.claims th,.claims td{display:block}
.claims caption{display:block}
.claims tbody tr{padding:.9rem 0;border-top:1px solid var(--rule)}
.claims tbody tr>*{border:0!important}
.claims tbody tr>*,.claims th[scope=row],.claims td.holds{width:auto;padding:.12rem 0}
.claims td{padding-left:6.5rem!important;position:relative}
.claims td::before{content:attr(data-label);position:absolute;left:0;font-weight:400;color:var(--muted)}
.scroll th[scope=row]{position:sticky;left:0;background:var(--paper);z-index:1;min-width:7.5rem;max-width:9rem;white-space:normal;overflow-wrap:break-word}
.columns .scroll th[scope=row]{position:static;max-width:none}
.bars tbody,.bars tr,.bars th,.bars td{display:block;width:auto}
.bars,.bars caption{display:block}
.bars tbody th{padding-bottom:0}
.plot{height:15rem}
.chart>figcaption:has(+.log),.chart>.log{grid-column:1/-1;justify-self:start}
.chart>.log{margin-top:.5rem}
}
@media print{
@page{margin:15mm}
body{max-width:none;padding:0;font-size:10pt;background:#fff}
:root{--paper:#fff}
h2,h3,h4,caption{break-after:avoid}
h2{margin-top:2.5rem}
tr,tbody,.figures>div,.notice{break-inside:avoid}
thead{break-after:avoid}
.scroll{overflow:visible}
table{font-size:8pt}
.scroll th,.scroll td{padding-right:.5rem}
.skip,.log,.hint,nav{display:none}
.bar,.track,.swatch{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
@media (forced-colors:active){.bar,.swatch{forced-color-adjust:none}}
`;
