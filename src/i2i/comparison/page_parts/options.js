// Options against scores: parallel coordinates of all options, and a scatter of one.

const chart = { place: 0, score: "", option: "" };

function hasWebGL() {
  try { return Boolean(document.createElement("canvas").getContext("webgl")); } catch { return false; }
}

const optionsOf = (table) => [...table.options, "seed"].filter((key) => new Set(table.runs.map((r) => optionOf(r, key))).size > 1);
const optionOf = (run, key) => (key === "seed" ? data.runs[run].seed : data.runs[run].options[key]) || "-";
const valueOf = (run) => num(data.runs[run].scores[chart.score]);
const isNumeric = (texts) => texts.every((text) => text !== "" && Number.isFinite(Number(text)));
const cut = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);

function scatter(table, runs) {
  const texts = runs.map((r) => optionOf(r, chart.option)), numeric = isNumeric(texts);
  const trace = {
    x: numeric ? texts.map(Number) : texts.map(plain), y: runs.map(valueOf), mode: "markers", type: "scatter",
    text: runs.map((r) => plain(short(r))), marker: { size: 11, color: runs.map(colour) },
    hovertemplate: "%{text}<br>%{y:.5g}<extra></extra>",
  };
  const layout = { ...LAYOUT, xaxis: { ...axis(chart.option), type: numeric ? "linear" : "category" }, yaxis: axis(chart.score) };
  return Plotly.react(byId("scatter"), [trace], layout, CONFIG);
}

function dimension(label, texts) {
  const known = [...new Set(texts)];
  if (isNumeric(texts)) return { label: plain(cut(label)), values: texts.map(Number), ...(known.length < 9 && { tickvals: known.map(Number) }) };
  return { label: plain(cut(label)), values: texts.map((t) => known.indexOf(t)), tickvals: known.map((_, i) => i),
    ticktext: known.map((t) => plain(cut(t))), range: [-0.2, known.length - 0.8] };
}

function parallel(table, runs) {
  const values = runs.map(valueOf), more = table.scores.find((s) => s.name === chart.score).more;
  const trace = {
    type: "parcoords",
    line: { color: values, colorscale: "Viridis", reversescale: more === false, showscale: true },
    dimensions: [...optionsOf(table).map((key) => dimension(key, runs.map((r) => optionOf(r, key)))), { label: plain(chart.score), values }],
  };
  return Plotly.react(byId("parallel"), [trace], { ...LAYOUT, margin: { l: 90, r: 60, t: 60, b: 30 } }, { displaylogo: false, responsive: true, displayModeBar: false });
}

async function drawCharts() {
  const table = data.tables[chart.place];
  const runs = table.runs.filter((r) => !hidden.has(r) && Number.isFinite(valueOf(r)));
  byId("charts").hidden = !runs.length;
  if (!runs.length) return;
  await scatter(table, runs);
  if (byId("parallel")) await parallel(table, runs);
  byId("charts").dataset.drawn = `${chart.score} ${runs.length}`;
}

function drawOptions() {
  const where = content("options"), table = data.tables[chart.place], keys = optionsOf(table);
  const named = new Set(table.runs.flatMap((r) => Object.keys(data.runs[r].scores)));
  const scores = table.scores.filter((s) => named.has(s.name));
  const bar = el("div", { className: "controls" });
  where.replaceChildren(bar);
  const add = (key, label, choices, changed) => {
    const [node, box] = select(label, choices, changed);
    box.id = `chart-${key}`;
    box.value = chart[key];
    bar.append(node);
  };
  if (data.tables.length > 1) add("place", "test", data.tables.map((t, i) => [i, t.title]), (v) => { Object.assign(chart, { place: Number(v), score: "", option: "" }); drawOptions(); });
  if (!keys.length || !scores.length) {
    where.append(el("p", { textContent: keys.length ? "None of these runs has a score." : "These runs differ in no option that was typed." }));
    return;
  }
  if (!scores.some((s) => s.name === chart.score)) chart.score = scores[0].name;
  if (!keys.includes(chart.option)) chart.option = keys[0];
  add("score", "score", scores.map((s) => [s.name, heading(s) + arrow(s.more)]), (v) => { chart.score = v; drawCharts(); });
  add("option", "option of the scatter", keys.map((k) => [k, k]), (v) => { chart.option = v; drawCharts(); });
  const charts = el("div", { id: "charts" });
  where.append(charts);
  if (keys.length > 1 && hasWebGL()) charts.append(el("p", { className: "quiet", textContent: "A line for each run; bright is good. Drag along an axis to pick some." }), el("div", { id: "parallel", className: "plot wide" }));
  else if (keys.length > 1) charts.append(el("p", { className: "quiet", textContent: "This browser has no WebGL, which parallel coordinates need: choose an option at a time." }));
  charts.append(el("div", { id: "scatter", className: "plot wide" }));
  whenSeen(where, drawCharts);
}
