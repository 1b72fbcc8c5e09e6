// Tables of runs, and what they say of each score.

const merged = data.tables.map((t) => t.variants.some((v) => v.runs.length > 1));

function mean(values) {
  const known = values.map(num).filter((v) => !Number.isNaN(v));
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : NaN;
}

// Of n - 1, as the spreads of the scores are; none of a single run.
function spreadOf(values) {
  const known = values.map(num).filter((v) => !Number.isNaN(v)), middle = mean(known);
  return known.length > 1 ? Math.sqrt(known.reduce((a, v) => a + (v - middle) ** 2, 0) / (known.length - 1)) : NaN;
}

const costs = (runs) => ({
  seconds: mean(runs.map((r) => data.runs[r].seconds)),
  rate: mean(runs.map((r) => data.runs[r].rate)),
});

// Training time of runs, with its spread where they are several.
function timeOf(runs) {
  const spread = spreadOf(runs.map((r) => data.runs[r].seconds));
  return duration(costs(runs).seconds) + (Number.isNaN(spread) ? "" : ` ± ${duration(spread)}`);
}

// Which run is best: a row for each score.
function drawVerdicts(table, where) {
  where.append(el("h3", { textContent: table.title }));
  if (!table.verdicts.length) {
    where.append(el("p", { className: "quiet", textContent:
      "No score with a known direction: no run was tested, or they were written by an older version." }));
    return;
  }
  const heads = ["score", "best", "second best", "lead", "spread over seeds", "more than the spread?",
    "picture by picture", "training time"];
  const body = el("tbody");
  for (const v of table.verdicts) body.append(verdictRow(table, v));
  const head = el("tr", {}, ...heads.map((text) => el("th", { textContent: text })));
  where.append(el("div", { className: "scroll" }, el("table", { className: "verdicts" }, el("thead", {}, head), body)));
}

function verdictRow(table, v) {
  const best = table.variants[v.best];
  const second = v.second === null ? null : table.variants[v.second];
  const text = (words, kind = "text") => el("td", { className: kind }, words);
  const named = (variant, kind) => el("td", { className: kind, title: variant.name },
    el("div", { textContent: shortOf(variant) }), el("div", { className: "value", textContent: valueOfVariant(variant, v.score) }));
  const winner = named(best, "text best");
  if (v.references.length) {
    winner.append(el("div", { className: "warning", textContent: `${v.references.join(" and ")}: better still` }));
  }
  const times = [best, second].filter(Boolean).map((variant) => timeOf(variant.runs));
  const time = times.every((one) => one === "-") ? "-" : times.join(" against ");
  return el("tr", { "data-score": v.score },
    text(heading({ name: v.score, unit: v.unit }) + arrow(v.more)), winner, second ? named(second, "text") : text("-"),
    text(second ? shown(v.lead) : "-", "number"), text(v.spread === null ? "-" : shown(v.spread), "number"), text(v.words), byPicture(table, v), text(time));
}

function valueOfVariant(variant, name) {
  const spread = variant.spreads[name], some = variant.counts?.[name], all = (variant.all ?? variant.runs).length;
  const few = some > 0 && some < all ? ` (${seeds(some, all)})` : "";
  return shown(variant.means[name]) + (spread === undefined ? "" : ` ± ${shown(spread)}`) + few;
}

function byPicture(table, v) {
  const cell = el("td", { className: "text" });
  const p = v.pictures;
  if (!p) return el("td", { textContent: "-" });
  const ties = p.equal ? `, ${p.equal} equal` : "";
  cell.append(`the second wins on ${p.second} of ${p.n}${ties}; mean lead ${shown(p.gain)} ± ${shown(p.error)} (standard error) `);
  const place = data.tables.indexOf(table);
  if (canShow(place, v)) {
    const go = () => showDifference(place, v.score, v.second, v.best);
    cell.append(el("button", { className: "where", textContent: "on which?", onclick: go }));
  }
  return cell;
}

// The table of all runs, or of all variants with means and spreads over seeds.
function drawTable(table, place, where) {
  const block = el("div"), order = { key: null, falling: false };
  where.append(block);
  const draw = () => {
    block.replaceChildren(el("h3", { textContent: table.title }));
    if (table.variants.some((v) => v.runs.length > 1)) {
      const change = (e) => { merged[place] = e.target.checked; draw(); };
      const box = el("input", { type: "checkbox", checked: merged[place], className: "merge", onchange: change });
      block.append(el("label", {}, box, " one row for runs that differ in the seed alone: mean ± standard deviation"));
    }
    block.append(tableOf(table, place, order, draw));
  };
  listeners.push(draw);
  draw();
}

function rowsOf(table, place) {
  const rows = merged[place]
    ? table.variants.map((v) => ({ ...v, runs: v.runs.filter((r) => !hidden.has(r)), all: v.runs }))
    : table.runs.map((r) => ({ name: data.runs[r].name, runs: [r], all: [r],
      options: data.runs[r].options, means: data.runs[r].scores, spreads: {} }));
  const seen = rows.filter((row) => row.all.some((r) => !hidden.has(r)));
  const references = table.references.map((r) => ({ name: r.name, runs: [], all: [], options: {},
    means: r.scores, spreads: {}, reference: true }));
  return [...seen, ...references];
}

function columnsOf(table, place) {
  const run = (row) => data.runs[row.all[0]];
  const text = (head, value) => ({ head, value, number: (row) => Number.parseFloat(value(row)), text: true });
  const number = (head, value, cell) => ({ head, number: value, value: cell });
  const columns = [
    { head: "run", value: (row) => (row.reference ? row.name : shortOf(row)), number: () => NaN, text: true, name: true },
    ...table.options.map((key) => text(key, (row) => row.options[key] ?? "")),
    text(merged[place] ? "seeds" : "seed", (row) => row.all.map((r) => data.runs[r].seed).join(", ")),
    ...table.scores.map((s) => ({ score: s, head: heading(s) + arrow(s.more), falling: s.more === true,
      number: (row) => num(row.means[s.name]),
      value: (row) => valueOfVariant(row, s.name) })),
    number("steps", (row) => (row.all.length ? num(run(row).steps) : NaN), (row) => (row.all.length ? run(row).steps ?? "-" : "")),
    number("training time", (row) => costs(row.all).seconds, (row) => (row.all.length ? timeOf(row.all) : "")),
    number("images/s", (row) => costs(row.all).rate, (row) => (row.all.length ? shown(costs(row.all).rate, 1) : "")),
    text("device", (row) => [...new Set(row.all.map((r) => data.runs[r].device).filter(Boolean))].join(", ")),
    text("checkpoint", (row) => [...new Set(row.all.map((r) => data.runs[r].checkpoint))].join(", ")),
    { ...text("remarks", (row) => row.all.flatMap((r) => data.runs[r].notes.map((n) => (row.all.length > 1 ? `${data.runs[r].folder}: ${n}` : n))).join("; ")), long: true },
  ];
  columns[1 + table.options.length].number = (row) => (row.all.length ? Number.parseFloat(run(row).seed) : NaN);
  return columns;
}

function tableOf(table, place, order, redraw) {
  const columns = columnsOf(table, place);
  let rows = rowsOf(table, place);
  const by = columns.find((c) => c.head === order.key);
  if (by) rows = sorted(rows, by, order.falling);
  const heads = columns.map((c) => {
    const click = () => {
      order.falling = order.key === c.head ? !order.falling : Boolean(c.falling);
      order.key = c.head;
      redraw();
    };
    const sign = order.key === c.head ? (order.falling ? " ▼" : " ▲") : "";
    return el("th", {}, el("button", { textContent: c.head + sign, onclick: click }));
  });
  const best = Object.fromEntries(columns.filter((c) => c.score).map((c) => [c.head, bestOf(rows, c)]));
  const body = el("tbody");
  for (const row of rows) {
    const cells = columns.map((c) => cellOf(row, c, best[c.head]));
    body.append(el("tr", { className: row.reference ? "reference" : "run" }, ...cells));
  }
  return el("div", { className: "scroll" }, el("table", { className: "runs" }, el("thead", {}, el("tr", {}, ...heads)), body));
}

function sorted(rows, column, falling) {
  const numbers = rows.some((row) => !Number.isNaN(column.number(row)));
  const words = (a, b) => String(column.value(a)).localeCompare(column.value(b)) * (falling ? -1 : 1);
  return [...rows].sort((a, b) => (numbers ? bySize(column.number(a), column.number(b), falling) || words(a, b) : words(a, b)));
}

function bestOf(rows, column) {
  if (typeof column.score.more !== "boolean") return NaN;
  const values = rows.filter((row) => !row.reference).map(column.number).filter((v) => !Number.isNaN(v));
  return values.length ? (column.score.more ? Math.max(...values) : Math.min(...values)) : NaN;
}

function cellOf(row, column, best) {
  const marked = column.score && !row.reference && column.number(row) === best;
  const kind = column.name ? "text name" : column.text ? "text" : "number";
  const long = column.long && column.value(row);
  const cell = el("td", { className: kind + (long ? " long" : "") + (marked ? " best" : "") });
  if (column.name) cell.title = row.name;
  if (column.name) row.all.forEach((r) => cell.append(swatch(r), " "));
  cell.append(`${marked ? "★ " : ""}${column.value(row)}`);
  return cell;
}
