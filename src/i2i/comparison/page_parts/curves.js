// Learning curves: a plot for each number that runs logged, drawn once it comes near.

const LAYOUT = {
  margin: { l: 55, r: 12, t: 34, b: 38 }, showlegend: false, hovermode: "closest",
  paper_bgcolor: "#fff", plot_bgcolor: "#fff", font: { size: 12 },
};
const CONFIG = { displaylogo: false, responsive: true, displayModeBar: "hover", modeBarButtons: [["toImage", "zoom2d", "pan2d", "autoScale2d"]] };
const axis = (text) => ({ title: { text: plain(text) }, gridcolor: "#e6e9ee", zerolinecolor: "#c3c9d2", automargin: true });

let smoothing = 0; // weight of what went before
const MANY = 60; // points of a curve that is a line without markers, and may be smoothed

// The exponential mean of what went before, without its bias towards the beginning.
function smooth(values) {
  let sum = 0, weight = 0;
  return values.map(num).map((value) => {
    if (!Number.isFinite(value)) return null;
    if (values.length <= MANY || !smoothing) return value;
    sum = smoothing * sum + (1 - smoothing) * value;
    weight = smoothing * weight + (1 - smoothing);
    return sum / weight;
  });
}

function drawPlot(plot, node) {
  const runs = Object.keys(plot.runs).map(Number);
  const traces = runs.map((run) => ({
    x: plot.runs[run][0], y: smooth(plot.runs[run][1]),
    name: plain(short(run)), mode: plot.runs[run][0].length > MANY ? "lines" : "lines+markers",
    line: { color: colour(run), width: 1.6 }, marker: { size: 5 }, visible: !hidden.has(run),
    hovertemplate: "%{fullData.name}<br>step %{x}: %{y:.5g}<extra></extra>",
  }));
  const title = { text: plain(heading(plot)), font: { size: 13 } };
  const drawn = Plotly.newPlot(node, traces, { ...LAYOUT, title, xaxis: axis("step"), yaxis: axis("") }, CONFIG);
  drawn.then(() => { node.dataset.drawn = "yes"; });
  listeners.push(() => Plotly.restyle(node, { visible: runs.map((run) => !hidden.has(run)) }));
  node.addEventListener("smooth", () => Plotly.restyle(node, { y: runs.map((run) => smooth(plot.runs[run][1])) }));
}

function drawCurves(where) {
  if (!data.curves.length) {
    where.append(el("p", { textContent: "No run has a metrics.csv (logger=csv writes it)." }));
    return;
  }
  where.append(el("p", { className: "quiet", textContent:
    "Over steps, which are updates of the generator. Long curves are thinned; gaps are values that are not finite. Drag to enlarge, double-click for all." }));
  const choices = [[0, "none"], [0.8, "little"], [0.95, "much"]];
  const [control, box] = select("smoothing of long curves", choices, (value) => {
    smoothing = Number(value);
    where.querySelectorAll("[data-drawn]").forEach((node) => node.dispatchEvent(new Event("smooth")));
  });
  box.id = "smoothing";
  where.append(control);
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
