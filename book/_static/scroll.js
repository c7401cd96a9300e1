// What scrolls takes the focus, so that the arrow keys move it.
(function () {
  var boxes =
    ".ib-scroll, mjx-container[display], .ib-wide, pre, dt.sig, .pst-scrollable-table-container, .ib-quiz legend";

  function letFocus(box) {
    var style = getComputedStyle(box);
    var across = box.scrollWidth > box.clientWidth && /auto|scroll/.test(style.overflowX);
    // Less than a line too high, as formulas are in their boxes, is nothing to scroll.
    var down = box.scrollHeight > box.clientHeight + 12 && /auto|scroll/.test(style.overflowY);
    if (across || down) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }

  // The theme cuts a formula in a sentence off at the line's end. Its copy for screen readers is wider, but not seen.
  function letScroll(box) {
    var seen = box.querySelector("mjx-math");
    box.classList.toggle("ib-wide", seen !== null && seen.offsetWidth > box.clientWidth + 1);
  }

  document.addEventListener("DOMContentLoaded", function () {
    // The page's height changes when formulas are set, when something unfolds, and with the width of the window.
    new ResizeObserver(function () {
      document.querySelectorAll("span.math").forEach(letScroll);
      document.querySelectorAll(boxes).forEach(letFocus);
    }).observe(document.body);
  });
})();
