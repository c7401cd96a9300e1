// Links to the figures of a page that live, as the first stops of the tab key: one key leads to the first of them, and
// Enter into it.
document.addEventListener("DOMContentLoaded", function () {
  var figures = document.querySelectorAll("figure[id]:has(.ib-explore)");
  var bar = document.createElement("nav");
  bar.className = "ib-jump";
  bar.setAttribute("aria-label", "Figures that you can move");
  figures.forEach(function (figure) {
    var link = document.createElement("a");
    link.href = "#" + figure.id;
    link.textContent = "Figure " + figure.id.slice("figure-".length) + " (live)";
    link.addEventListener("click", function (event) {
      var first = figure.querySelector("[tabindex], input, select, button");
      if (first) {
        event.preventDefault();
        figure.scrollIntoView();
        first.focus({ preventScroll: true });
      }
    });
    bar.append(link);
  });
  if (figures.length) {
    document.body.prepend(bar);
  }
});
