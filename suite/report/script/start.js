// Takes over from the static tables, and keeps address, switches and page in step.
const drawAll = (focus) => {
  const scenario = now();
  byId("scenario").selectedIndex = state.scenario;
  byId("quantity").replaceChildren(h("option", { value: "" }, "the worst of all"), ...Object.keys(scenario.q).map((name) => h("option", name)));
  byId("quantity").value = state.quantity;
  byId("show").value = state.show;
  drawMatrix();
  drawSaved();
  drawPair(focus);
  drawLayers();
};
const copy = async () => {
  const words = `Keras parity ${DATA.report} ${location.hash || (DATA.scenarios.length ? addressOf({}) : "")}`;
  try {
    await navigator.clipboard.writeText(words);
    byId("said").textContent = "copied";
  } catch {
    byId("said").textContent = words;
  }
};
const systemDark = matchMedia("(prefers-color-scheme: dark)");
// Light, dark, and back to what the system says.
const turnTheme = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches;
  root.dataset.theme = dark ? "light" : "dark";
  paint();
};
document.querySelector(".buttons").hidden = false;
byId("copy").addEventListener("click", copy);
byId("theme").addEventListener("click", turnTheme);
systemDark.addEventListener("change", paint);
if (DATA.scenarios.some((scenario) => scenario.v.replaceAll(".", ""))) {
  for (const node of document.querySelectorAll(".static")) node.remove();
  for (const id of ["switches", "matrix", "checks", "table"]) byId(id).hidden = false;
  for (const name of ["quantity", "show"]) byId(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  byId("scenario").addEventListener("change", (event) => change({ scenario: event.target.selectedIndex }));
  // A link to a check leads to the table of saved models; one to a pair puts the focus on its heading.
  const follow = () => {
    if (!readState()) return false;
    const target = byId(new URLSearchParams(location.hash.slice(1)).get("at") ?? "");
    drawAll(!target);
    target?.scrollIntoView();
    return true;
  };
  addEventListener("hashchange", follow);
  if (!follow()) {
    state.scenario = DATA.first;
    choosePair();
    drawAll();
  }
  drawTable();
}
