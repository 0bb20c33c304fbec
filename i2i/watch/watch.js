
"use strict";
// Draws how training runs go. A served page asks for news; one that stands for itself shows what was written into it.

const SECONDS_BETWEEN = 2;
const first = JSON.parse(byId("state").textContent);
const now = { state: first, text: "", run: 0, place: 0, follows: true };

const chosen = () => now.state.runs[now.run];
const share = (run) => (run.steps ? run.step / run.steps : Number(run.state === "finished"));
const percent = (run) => `${Math.floor(100 * share(run))} %`;

function runRow(run) {
  const cells = [run.name, run.state, percent(run), run.left].map((text) => ({ text, value: text }));
  cells[2].value = share(run);
  return { kind: run.state === "training" ? "" : "reference", cells };
}

const order = {};

function drawRuns() {
  const { runs } = now.state;
  byId("runs").hidden = byId("run-choice").hidden = runs.length < 2;
  byId("runs-table").replaceChildren(sortable("Training runs", ["training run", "state", "done", "left"].map((title) => ({ title })), runs.map(runRow), order));
}

function drawProgress(run) {
  byId("run-title").textContent = `${run.name}: ${run.state}`;
  byId("progress").value = share(run);
  byId("facts-line").replaceChildren(...items(run.facts));
  byId("notes").replaceChildren(...run.notes.map((note) => element("p", { class: "alarm" }, note)));
}

// The newest grid is followed until the reader goes back to an earlier one.
function drawSamples(run) {
  const last = run.samples.length - 1;
  byId("samples").hidden = last < 0;
  if (last < 0) return;
  now.place = now.follows ? last : Math.min(now.place, last);
  const [step, address] = run.samples[now.place];
  const label = `Step ${step.toLocaleString("en")}`;
  byId("sample-step").textContent = label;
  byId("place").max = String(last);
  byId("place").value = String(now.place);
  byId("grid").alt = `Sample grid of step ${step}`;
  if (byId("grid").getAttribute("src") !== address) byId("grid").src = address;
}

function drawCurves(run) {
  byId("curves").hidden = !run.terms.length;
  byId("charts").replaceChildren(...run.terms.map(([name, points]) => chart(name, [{ points, place: 0, label: run.name }])));
}

function drawRun() {
  const run = chosen();
  drawProgress(run);
  drawSamples(run);
  drawCurves(run);
}

function draw() {
  document.title = `${chosen().state === "training" ? `${percent(chosen())} ` : ""}${now.state.title}: training`;
  drawRuns();
  drawRun();
}

function say(text) {
  byId("alarm").hidden = !text;
  byId("alarm").textContent = text;
}

async function ask() {
  try {
    const answer = await fetch("state");
    if (!answer.ok) throw new Error(answer.status);
    const text = await answer.text();
    say("");
    if (text !== now.text) {
      now.state = JSON.parse(text);
      draw();
    }
    now.text = text;
  } catch {
    say("i2i watch has ended or does not answer: this is how far it was.");
  }
  setTimeout(ask, 1000 * SECONDS_BETWEEN);
}

function begin() {
  byId("title").textContent = first.title;
  byId("kind").textContent = first.runs.length > 1 ? "Training runs of a bench" : "Training run";
  byId("made").textContent = `Made by i2i ${first.version}.`;
  byId("theme").onchange = (event) => { document.documentElement.dataset.theme = event.target.value; };
  const going = first.runs.findIndex((run) => run.state === "training");
  now.run = Math.max(going, 0);
  choices(byId("chosen"), first.runs.map((run) => run.name), now.run, (place) => { now.run = place; now.follows = true; draw(); });
  byId("place").oninput = (event) => {
    now.place = Number(event.target.value);
    now.follows = now.place === chosen().samples.length - 1;
    drawSamples(chosen());
  };
  draw();
  if (first.served) ask();
}

begin();
