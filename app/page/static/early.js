// Runs before the first paint, so that the plain form does not flash up; it comes back if the modules fail.
document.documentElement.classList.add("js");
addEventListener("load", () => {
  if (!("ready" in document.documentElement.dataset)) document.documentElement.classList.remove("js");
});
