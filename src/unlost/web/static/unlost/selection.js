// Buttons that need a selection are disabled while there is none. Without JavaScript they stay
// enabled, and the server answers a form without a selection.
//   data-needs="record"   a checked box of this name; data-elsewhere counts those of other pages
//   data-needs-change     a box that differs from when the page was made
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

document.addEventListener("change", (event) => event.target.form && update(event.target.form));
document.addEventListener("htmx:load", updateAll);
window.addEventListener("pageshow", updateAll);
