// node websocket.mjs URL [URL]: a graphql-ws client.
import { drive } from "./drive.mjs";
import { socketClient } from "./socket.mjs";

drive(socketClient());
