/** Icons of 24 x 24 units, drawn by lines. */
import type { ComponentChildren } from "preact";
import type { ToolName } from "./tools.ts";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const shapes = {
  pen: <path d="M4 20l1-4.5L16.5 4a2 2 0 0 1 2.8 0l.7.7a2 2 0 0 1 0 2.8L8.5 19 4 20zM14.5 6l3.5 3.5" />,
  line: <path d="M5 19L19 5" />,
  rectangle: <rect x="4" y="6" width="16" height="12" rx="1" fill="currentColor" fill-opacity="0.25" />,
  fill: (
    <path d="M10 4l8.5 8.5-6.4 6.4a2 2 0 0 1-2.8 0L3.6 13.2a2 2 0 0 1 0-2.8L10 4zM10 4L7.5 1.5M4 12h14M20.5 16c1 1.5 1.5 2.3 1.5 3.2a1.5 1.5 0 0 1-3 0c0-.9.5-1.700 1.500-3.200z" />
  ),
  eraser: (
    <path d="M8 19h12M5 15.500L14 6a2 2 0 0 1 2.800 0L20 9.200a2 2 0 0 1 0 2.800L13 19H8.500L5 15.500zM9.500 10.500l6 6" />
  ),
  picker: (
    <path
      d="M4 20l1-4 8-8 3 3-8 8-4 1zM12 7l5 5M14.500 9.500L18 6a2.100 2.100 0 0 0-3-3l-3.500 3.500"
      transform="translate(0 1)"
    />
  ),
  undo: <path d="M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-4" transform="translate(0 -1)" />,
  redo: <path d="M16 5l4 4-4 4M20 9H10a6 6 0 0 0 0 12h4" transform="translate(0 -1)" />,
  clear: <path d="M4 7h16M9 7V4h6v3M6.500 7l1 13h9l1-13M10 11v5M14 11v5" />,
  random: (
    <>
      <rect x="4" y="4" width="16" height="16" rx="3" />
      <path d="M8.500 8.500v.01M15.500 8.500v.01M12 12v.01M8.500 15.500v.01M15.500 15.500v.01" stroke-width="2.600" />
    </>
  ),
  upload: <path d="M12 16V5M7.500 9.500L12 5l4.500 4.500M4 15v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3" />,
  camera: (
    <>
      <path d="M4 8h3.500L9 5.500h6L16.500 8H20a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z" />
      <circle cx="12" cy="13" r="3.500" />
    </>
  ),
  save: <path d="M12 5v11M7.500 11.500L12 16l4.500-4.500M4 15v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3" />,
  batch: <path d="M8 4h11a1 1 0 0 1 1 1v11M4 8h11a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1z" />,
  wipe: (
    <path d="M4 5h16v14H4zM12 3v18M15 12h3M6 12h3M16.500 10.500L18 12l-1.500 1.500M7.500 10.500L6 12l1.500 1.500" />
  ),
  help: (
    <path d="M9.500 9a2.500 2.500 0 1 1 3.700 2.200c-.8.4-1.200 1-1.200 1.800v.5M12 17v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z" />
  ),
} satisfies Record<ToolName, ComponentChildren> & Record<string, ComponentChildren>;

export type IconName = keyof typeof shapes;

export const icon = (name: IconName) => <Icon>{shapes[name]}</Icon>;
