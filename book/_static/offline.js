// Opened from a folder, a page may not read other pages, so that search there shows titles without excerpts.
if (location.protocol === "file:") {
  // oxlint-disable-next-line no-undef
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
