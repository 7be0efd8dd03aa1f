"""A TCP link that a test can break: cut, freeze, slow down, or lose one direction of. All links live on one thread."""
import asyncio
import socket
import struct
import threading

from ports import free_port, release_port

CHUNK = 65536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
TO_SERVER, TO_CLIENT = "to_server", "to_client"


def _start_loop():
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="links", daemon=True).start()
    return loop


class _Links:
    loop = None

    @classmethod
    def run(cls, coroutine):
        if cls.loop is None:
            cls.loop = _start_loop()
        return asyncio.run_coroutine_threadsafe(coroutine, cls.loop).result(20)


def _reset(writer):
    """RST instead of FIN: what is still on its way is lost."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        except OSError:
            pass
    writer.transport.abort()


class TcpProxy:
    """127.0.0.1:port -> 127.0.0.1:target_port."""

    def __init__(self, target_port):
        self.port, self.target_port = free_port(), target_port
        self.server = None
        self.writers = set()
        self.is_cut, self.delay_s, self.lost = False, 0, None

    def start(self):
        _Links.run(self._start())
        return self

    async def _start(self):
        self.open = asyncio.Event()
        self.open.set()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _serve(self, client_reader, client_writer):
        if self.is_cut:
            _reset(client_writer)
            return
        self.writers.add(client_writer)
        server_writer = None
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            self.writers.add(server_writer)
            await asyncio.gather(self._pump(client_reader, server_writer, TO_SERVER),
                                 self._pump(server_reader, client_writer, TO_CLIENT))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for writer in (client_writer, server_writer):
                if writer is not None:
                    self.writers.discard(writer)
                    _reset(writer)

    async def _pump(self, reader, writer, direction):
        while True:
            data = await reader.read(CHUNK)
            await self.open.wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if not data:
                if self.lost != direction:
                    writer.write_eof()
                return
            if self.lost == direction:
                continue
            writer.write(data)
            await writer.drain()

    async def _change(self, change):
        change()

    def _reset_all(self):
        for writer in list(self.writers):
            _reset(writer)

    def reset(self):
        """Every connection dies now; new ones are welcome."""
        _Links.run(self._change(self._reset_all))

    def cut(self):
        """Every connection dies, and new ones do at once."""
        def change():
            self.is_cut = True
            self._reset_all()
        _Links.run(self._change(change))

    def freeze(self):
        """Nothing moves, nobody is told."""
        _Links.run(self._change(lambda: self.open.clear()))

    def delay(self, seconds):
        """Every piece takes this much longer."""
        self.delay_s = seconds

    def lose(self, direction):
        """What goes this way is thrown away; the other way is open. The connections die when it heals."""
        self.lost = direction

    def heal(self):
        def change():
            if self.lost is not None:
                self._reset_all()
            self.is_cut, self.delay_s, self.lost = False, 0, None
            self.open.set()
        _Links.run(self._change(change))

    def stop(self):
        async def change():
            self.server.close()
            self._reset_all()
        _Links.run(change())
        release_port(self.port)
