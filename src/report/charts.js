
// The axis of epochs is one of two pictures, which the style shows; sections that are replaced follow.
const axis = (isLog) => document.body.classList.toggle("log-epochs", isLog);
document.addEventListener("change", (event) => {
  if (event.target.id !== "log-epochs") return;
  axis(event.target.checked);
  sessionStorage.setItem("log-epochs", event.target.checked ? "1" : "");
});
const logEpochs = document.getElementById("log-epochs");
if (logEpochs && document.body.dataset.version && sessionStorage.getItem("log-epochs")) axis((logEpochs.checked = true));

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
