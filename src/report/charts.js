
// The axis of epochs is one of two pictures, which the style shows; sections that come later follow.
document.addEventListener("change", ({ target }) => {
  if (target.id === "log-epochs") document.body.classList.toggle("log-epochs", target.checked);
});

// A run that is pointed at in the list of runs stands out in all charts.
const light = (button) => {
  document.body.classList.toggle("lit", Boolean(button));
  for (const series of document.querySelectorAll("#curves .series"))
    series.classList.toggle("on", Boolean(button) && series.dataset.run === button.dataset.run);
};
for (const [kind, isOn] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]])
  document.addEventListener(kind, (event) => {
    const button = event.target.closest?.(".runs button");
    if (button) light(isOn ? button : null);
  });
