// Buttons that need a selection are disabled while there is none. Without JavaScript they stay
// enabled, and the server answers a form without a selection.
//   data-needs="record"   a checked box of this name; data-elsewhere counts those of other pages
//   data-needs-change     a box that differs from when the page was made
// In a form with data-range, Shift gives all boxes between the last one and this one its state.
const boxesOf = (form, name) =>
  [...form.querySelectorAll("input[type=checkbox]")].filter((box) => !name || box.name === name);

const update = (form) => {
  for (const button of form.querySelectorAll("button[data-needs]")) {
    const elsewhere = Number(button.dataset.elsewhere || 0);
    button.disabled = !elsewhere && !boxesOf(form, button.dataset.needs).some((box) => box.checked);
  }
  for (const button of form.querySelectorAll("button[data-needs-change]")) {
    button.disabled = !boxesOf(form).some((box) => box.checked !== box.defaultChecked);
  }
};

const updateAll = () => [...document.forms].forEach(update);

let lastBox = null;
const selectRange = (box) => {
  const boxes = boxesOf(box.form);
  const places = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
  if (places[0] < 0) return;
  for (const between of boxes.slice(places[0], places[1] + 1)) between.checked = box.checked;
};

// A click comes before the change that it makes is reported, also one by the space bar.
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("form[data-range] input[type=checkbox]");
  if (!box) return;
  if (event.shiftKey) selectRange(box);
  lastBox = box;
});

document.addEventListener("change", (event) => event.target.form && update(event.target.form));
document.addEventListener("htmx:load", updateAll);
window.addEventListener("pageshow", updateAll);
