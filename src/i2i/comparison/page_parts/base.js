"use strict";
// What all parts of the page share: the data, elements, numbers, and which runs are switched on.
// Texts of runs become text nodes only; nothing here sets HTML.

const data = JSON.parse(document.getElementById("data").textContent);
const COLOURS = [
  "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#e377c2", "#8c564b",
  "#bcbd22", "#7f7f7f", "#393b79", "#ad494a", "#637939", "#7b4173", "#e6550d", "#3182bd",
  "#31a354", "#756bb1", "#c7a500", "#636363",
];
const hidden = new Set(); // numbers of the runs that are switched off
const listeners = []; // called when that changes

const byId = (id) => document.getElementById(id);
const content = (id) => byId(id).querySelector("div");
const colour = (run) => COLOURS[run % COLOURS.length];

function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "style") Object.entries(value).forEach(([k, v]) => node.style.setProperty(k, v));
    else if (name.startsWith("data-") || name === "for") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

// A number of the data: null is none, and JSON has no word for infinities.
function num(value) {
  if (value === null || value === undefined || value === "nan") return NaN;
  return { inf: Infinity, "-inf": -Infinity }[value] ?? value;
}

// Four digits after the point, fewer of large numbers.
function shown(value, most = 4) {
  const number = num(value), digits = Math.max(0, Math.min(most, 5 - String(Math.trunc(Math.abs(number))).length));
  if (Number.isNaN(number)) return value === "nan" ? "NaN" : "-";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "-∞";
  const size = Math.abs(number);
  return size !== 0 && size < 5 * 10 ** -digits ? number.toPrecision(2) : number.toFixed(digits);
}

function duration(seconds) {
  const s = num(seconds);
  if (Number.isNaN(s)) return "-";
  if (s < 60) return `${s.toFixed(1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

const heading = (score) => score.name + (score.unit ? ` (${score.unit})` : "");
const arrow = (more) => (more === true ? " ↑" : more === false ? " ↓" : "");
// Orders by size; what is no number comes last either way.
function bySize(one, two, falling) {
  if (Number.isNaN(one) || Number.isNaN(two)) return Number.isNaN(one) - Number.isNaN(two);
  if (one === two) return 0;
  return (one < two ? -1 : 1) * (falling ? -1 : 1);
}
// Plotly reads a part of HTML in its texts.
const plain = (text) => String(text).replaceAll("<", "‹").replaceAll(">", "›").replaceAll("&", "＆");

// A run in few words: its label, and the options that differ without their names, where words tell.
const saysItself = (text) => !/^(-?[\d.e+-]+|true|false|null|-)$/i.test(text);
const told = (key, value) => (saysItself(value) ? value : `${key.split(".").at(-1)} ${value}`);
const words = (entry) => [entry.label, ...Object.entries(entry.options).map(([k, v]) => told(k, v))].filter(Boolean);
const shorts = data.runs.map((run) => [...words(run), ...(run.seed ? [`seed ${run.seed}`] : [])].join(", "));
const distinct = new Set(shorts).size === shorts.length;
// The folder of a run is told where anything else would be long.
const short = (run) => [distinct && shorts[run], data.runs[run].name].find((text) => text && text.length <= 60) ?? data.runs[run].folder;
function shortOf(variant) {
  const runs = variant.all ?? variant.runs;
  if (runs.length === 1) return short(runs[0]);
  const text = words({ label: data.runs[runs[0]].label, options: variant.options }).join(", ") || variant.name;
  return text.length <= 60 ? text : runs.map(short).join("; ");
}

// How many seeds something is of, where some of them failed.
const seeds = (some, all) => (some < all ? `${some} of ${all} seeds` : `${all} seeds`);

function swatch(run) {
  return el("span", { className: "swatch", style: { background: colour(run) } });
}

function select(label, choices, changed) {
  const box = el("select", { onchange: () => changed(box.value) });
  choices.forEach(([value, text]) => box.append(el("option", { value, textContent: text })));
  return [el("label", {}, `${label} `, box), box];
}

// Calls once a node comes near what is seen.
function whenSeen(node, call, root = null) {
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    call();
  }, { root, rootMargin: "400px" });
  watcher.observe(node);
}

function toggled() {
  document.querySelectorAll("#runs input").forEach((box) => {
    box.checked = !hidden.has(Number(box.value));
  });
  listeners.forEach((call) => call());
}

function switchRuns(runs, on) {
  for (const run of runs) { // forEach of an iterator, which keys() gives, is of 2024 and later
    if (on) hidden.delete(run);
    else hidden.add(run);
  }
  toggled();
}
