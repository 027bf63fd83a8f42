// Goes on when every tool has been told, which is when their frames have loaded, or after three seconds. It takes
// this page's place in the browser's history, so that going back does not lead here again.
const goOn = () => location.replace(document.getElementById("next").href);
const late = setTimeout(goOn, 3000);
addEventListener("load", () => {
  clearTimeout(late);
  goOn();
});
