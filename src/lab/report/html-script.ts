/**
 * The page's own script, as text: it draws the charts of the JSON element with uPlot, and nothing else on the page needs
 * it. Plain browser JavaScript. It writes text by textContent only, so that nothing from a trace becomes markup.
 */

/** The functions of units.ts once more, for the axes and for the values under the cursor; a test compares the two. */
export const numberScript = `
function separated(text) {
  const [whole, ...fraction] = text.split('.');
  return [whole.replace(/\\B(?=(\\d{3})+$)/g, ','), ...fraction].join('.');
}
const trimmed = (text) => (text.includes('.') ? text.replace(/\\.?0+$/, '') : text);
const digits = (value) => (value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (unit < 4 && value >= 1023.5) { value /= 1024; unit++; }
  return separated(trimmed(value.toFixed(digits(value)))) + ' ' + units[unit];
}
const count = (value) => separated(trimmed(value.toFixed(2)));
function short(value) {
  const units = ['', ' k', ' M', ' G', ' T'];
  let unit = 0;
  while (unit < 4 && Math.abs(value) >= 10000) { value /= 1000; unit++; }
  return separated(String(Number(value.toPrecision(6)))) + units[unit];
}
`;

export const pageScript = `
'use strict';
(() => {
const data = JSON.parse(document.getElementById('report-data').textContent);
const darkQuery = matchMedia('(prefers-color-scheme: dark)');
let printing = false;
const theme = () => (darkQuery.matches && !printing ? data.dark : data.light);

${numberScript}
const moment = {
  seconds: (value) => 'At ' + trimmed(value.toFixed(9)) + ' s',
  ticks: (value) => 'At ' + separated(value.toFixed(0)) + ' ticks',
  none: (value) => 'At event ' + separated(value.toFixed(0)),
};
const axisName = { seconds: 'seconds since the first event', ticks: 'clock ticks since the first event', none: 'position in the trace' };

// Lines that coincide share their way in stripes, so that none hides another.
function stripes(chart, index, state) {
  const scale = state.log ? 'log' : 'linear';
  const home = chart.lines[index].groups[scale];
  const group = chart.lines.map((_, i) => i).filter((i) => chart.lines[i].groups[scale] === home && !state.hidden.has(i));
  const length = 9 * devicePixelRatio;
  if (group.length < 2) return chart.lines[index].again ? [length, length / 2] : [];
  const place = group.indexOf(index);
  return [0, place * length, length, (group.length - 1 - place) * length];
}

// The last value once more at the end of the last bucket, so that the last step has its width.
function columns(chart, log) {
  const closed = chart.end > chart.time[chart.time.length - 1];
  const y = chart.lines.map((line) => {
    const values = log ? line.values.map((v) => (v > 0 ? v : null)) : line.values;
    return closed ? [...values, values[values.length - 1]] : values;
  });
  return [closed ? [...chart.time, chart.end] : chart.time, ...y];
}

function yScale(chart, log) {
  if (!log) return { range: [0, Math.max(chart.top * 1.04, 1)] };
  let low = chart.top;
  for (const line of chart.lines) for (const v of line.values) if (v > 0 && v < low) low = v;
  return { distr: 3, log: 2, range: [2 ** Math.floor(Math.log2(low) - 0.01), 2 ** Math.ceil(Math.log2(chart.top) + 0.01)] };
}

// Marks of the value axis: round in powers of two for bytes, and a factor of 4 or 16 apart on a logarithmic scale.
function powers(u, axis, low, high) {
  const step = Math.max(1, Math.ceil(Math.log2(high / low) / 6));
  const marks = [];
  for (let p = Math.ceil(Math.log2(low)); 2 ** p <= high; p += step) marks.push(2 ** p);
  return marks;
}
const binary = Array.from({ length: 50 }, (_, i) => 2 ** i);

function options(chart, state, size) {
  const colors = theme();
  const axis = { stroke: colors.muted, font: '12px system-ui, sans-serif', grid: { stroke: colors.grid, width: 1 }, ticks: { show: false } };
  const yAxis = { ...axis, size: 68, values: (u, marks) => marks.map(chart.unit === 'bytes' ? bytes : short) };
  if (chart.unit === 'bytes') yAxis.incrs = binary;
  if (state.log) Object.assign(yAxis, { splits: powers, filter: (u, marks) => marks });
  const fill = chart.lines.length === 1 ? colors.lines[chart.lines[0].color] + '22' : undefined;
  return {
    ...size,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    padding: [8, 12, 0, 0],
    scales: { x: { time: false }, y: yScale(chart, state.log) },
    axes: [
      { ...axis, grid: { show: false }, space: 70, size: 26, label: axisName[chart.timeUnit], labelFont: axis.font, labelSize: 22,
        values: (u, marks) => marks.map(short) },
      yAxis,
    ],
    series: [{}, ...chart.lines.map((line, index) => ({
      stroke: colors.lines[line.color], fill, width: chart.lines.length === 2 ? 1.5 : 2, show: !state.hidden.has(index),
      dash: stripes(chart, index, state), paths: uPlot.paths.stepped({ align: 1 }), points: { show: false },
    }))],
    hooks: { setCursor: [(u) => state.show(u.cursor.idx)] },
  };
}

function start(chart) {
  const figure = document.getElementById(chart.id);
  const plot = figure.querySelector('.plot');
  const spoken = figure.querySelector('[role=status]');
  const when = figure.querySelector('.when');
  const buttons = [...figure.querySelectorAll('[data-line]')];
  const values = buttons.map((button) => button.querySelector('.value'));
  const highest = values.map((element) => element.textContent);
  const format = chart.unit === 'bytes' ? bytes : count;
  const state = { hidden: new Set(), log: false, plot: null, at: null };

  state.show = (index) => {
    const at = index == null ? null : Math.min(index, chart.time.length - 1);
    state.at = at;
    when.textContent = at === null ? 'Highest' : moment[chart.timeUnit](chart.time[at]);
    values.forEach((element, i) => { element.textContent = at === null ? highest[i] : format(chart.lines[i].values[at]); });
  };
  // Paper is narrower than most windows: 640 px are the text width of A4.
  const size = () => ({ width: printing ? 640 : plot.clientWidth, height: plot.clientHeight });
  state.draw = () => {
    if (state.plot) state.plot.destroy();
    state.plot = new uPlot(options(chart, state, size()), columns(chart, state.log), plot);
  };

  buttons.forEach((button, index) => button.addEventListener('click', () => {
    if (!state.hidden.delete(index)) state.hidden.add(index);
    button.setAttribute('aria-pressed', String(!state.hidden.has(index)));
    state.draw();
  }));
  const log = figure.querySelector('.log');
  if (log) {
    log.hidden = false;
    log.addEventListener('click', () => {
      state.log = !state.log;
      log.setAttribute('aria-pressed', String(state.log));
      for (const text of figure.querySelectorAll('[data-scale]')) text.hidden = (text.dataset.scale === 'log') !== state.log;
      state.draw();
    });
  }
  plot.addEventListener('keydown', (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    if (event.key === 'Escape') return state.plot.setCursor({ left: -10, top: -10 });
    if (!(event.key in steps)) return;
    event.preventDefault();
    const last = chart.time.length - 1;
    const at = Math.min(last, Math.max(0, state.at === null ? 0 : state.at + steps[event.key]));
    state.plot.setCursor({ left: state.plot.valToPos(chart.time[at], 'x'), top: 0 });
    const shown = buttons.filter((_, index) => !state.hidden.has(index));
    spoken.textContent = when.textContent + ': ' + shown.map((button) => button.textContent).join('; ');
  });
  plot.addEventListener('blur', () => state.plot.setCursor({ left: -10, top: -10 }));
  state.draw();
  new ResizeObserver(() => { if (state.plot.width !== size().width) state.plot.setSize(size()); }).observe(plot);
  return state;
}

const charts = data.charts.map(start);
const drawAll = () => charts.forEach((state) => state.draw());
darkQuery.addEventListener('change', drawAll);
addEventListener('beforeprint', () => { printing = true; drawAll(); });
addEventListener('afterprint', () => { printing = false; drawAll(); });
})();
`;
