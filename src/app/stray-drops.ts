/** Refuses what is dropped beside the places that take files. */

/** Without this the browser opens a dropped file in place of the page, and a drawing is lost. */
export function refuseStrayDrops(): void {
  const refuse = (event: DragEvent) => {
    const takesText = event.target instanceof HTMLElement && event.target.matches("input, textarea");
    if (event.defaultPrevented || takesText) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  };
  addEventListener("dragover", refuse);
  addEventListener("drop", refuse);
}
