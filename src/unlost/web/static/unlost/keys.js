// "/" and Ctrl-K (Cmd-K on a Mac) move the focus to the search box. Without JavaScript, the box is
// reached with the tab key.
document.addEventListener("keydown", (event) => {
  const box = document.getElementById("search");
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing;
  const letter = event.key.toLowerCase() === "k" && !event.altKey && !event.shiftKey;
  if (!box || !(slash || (letter && (event.ctrlKey || event.metaKey)))) return;
  event.preventDefault();
  box.focus();
  box.select();
});
