// Learning curves: a plot for each number that runs logged, drawn once it comes near.

const LAYOUT = {
  margin: { l: 55, r: 12, t: 34, b: 38 }, showlegend: false, hovermode: "closest",
  paper_bgcolor: "#fff", plot_bgcolor: "#fff", font: { size: 12 },
};
const CONFIG = { displaylogo: false, responsive: true, displayModeBar: "hover", modeBarButtons: [["toImage", "zoom2d", "pan2d", "autoScale2d"]] };
const axis = (text) => ({ title: { text: plain(text) }, gridcolor: "#e6e9ee", zerolinecolor: "#c3c9d2", automargin: true });

function drawPlot(plot, node) {
  const runs = Object.keys(plot.runs).map(Number);
  const traces = runs.map((run) => ({
    x: plot.runs[run][0], y: plot.runs[run][1].map(num).map((v) => (Number.isFinite(v) ? v : null)),
    name: plain(short(run)), mode: plot.runs[run][0].length > 60 ? "lines" : "lines+markers",
    line: { color: colour(run), width: 1.6 }, marker: { size: 5 }, visible: !hidden.has(run),
    hovertemplate: "%{fullData.name}<br>step %{x}: %{y:.5g}<extra></extra>",
  }));
  const title = { text: plain(heading(plot)), font: { size: 13 } };
  const drawn = Plotly.newPlot(node, traces, { ...LAYOUT, title, xaxis: axis("step"), yaxis: axis("") }, CONFIG);
  drawn.then(() => { node.dataset.drawn = "yes"; });
  listeners.push(() => Plotly.restyle(node, { visible: runs.map((run) => !hidden.has(run)) }));
}

function drawCurves(where) {
  if (!data.curves.length) {
    where.append(el("p", { textContent: "No run has a metrics.csv (logger=csv writes it)." }));
    return;
  }
  where.append(el("p", { className: "quiet", textContent:
    "Over steps, which are updates of the generator. Long curves are thinned; gaps are values that are not finite. Drag to enlarge, double-click for all." }));
  for (const section of data.curves) {
    const plots = el("div", { className: "plots" });
    where.append(el("h3", { textContent: section.title }), plots);
    for (const plot of section.plots) {
      const node = el("div", { className: "plot", "data-name": plot.name });
      plots.append(node);
      whenSeen(node, () => drawPlot(plot, node));
    }
  }
}
