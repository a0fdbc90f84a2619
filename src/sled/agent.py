# What `sled ssh` runs on a host where nothing is installed: terminals, files
# and commands, asked for over stdin and answered over stdout.  Standard
# library of Python 3.6 and later only.
#
# A frame is its length (4 bytes, of what follows), a kind, a channel
# (4 bytes) and a body.  Kinds: J, a JSON object; D, bytes of a terminal;
# C, how many more bytes of a terminal may be sent (4 bytes).

import base64
import errno
import fcntl
import json
import os
import pty
import pwd
import selectors
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections import deque

VERSION = 1
MAX_FRAME = 1 << 20
MAX_INPUT = 1 << 20
MAX_PIPE = 1 << 20
MAX_READ = 32768
MAX_OUTPUT = 16384
WORKERS = 8
HANGUP = 0.25
LINGER = 0.05


class Refused(Exception):
    def __init__(self, status, code, message):
        Exception.__init__(self, message)
        self.status = status
        self.code = code


class Out:
    """Frames on their way to stdout; from any thread."""

    def __init__(self, selector):
        self.lock = threading.Lock()
        self.parts = deque()
        self.selector = selector
        self.wake_r, self.wake_w = os.pipe()
        os.set_blocking(self.wake_r, False)
        os.set_blocking(self.wake_w, False)
        self.waiting = False

    def frame(self, kind, channel, body):
        with self.lock:
            self.parts.append(struct.pack('>IcI', len(body) + 5, kind,
                                          channel) + body)
        if threading.current_thread() is not threading.main_thread():
            try:
                os.write(self.wake_w, b'x')
            except BlockingIOError:
                pass

    def json(self, **message):
        self.frame(b'J', message.get('ch', 0), json.dumps(message).encode())

    def flush(self):
        with self.lock:
            while self.parts:
                try:
                    n = os.write(1, self.parts[0])
                except BlockingIOError:
                    break
                if n < len(self.parts[0]):
                    self.parts[0] = self.parts[0][n:]
                    break
                self.parts.popleft()
            want = bool(self.parts)
        if want != self.waiting:
            self.waiting = want
            if want:
                self.selector.register(1, selectors.EVENT_WRITE, self.event)
            else:
                self.selector.unregister(1)

    def event(self, mask):
        self.flush()


class Terminal:
    """A shell; reads no more of it than the other side has room for."""

    def __init__(self, agent, message):
        self.agent = agent
        self.ch = message['ch']
        self.credit = message.get('credit', 0)
        self.input = b''
        self.reading = False
        self.writing = False
        self.eof = False
        self.status = None
        self.leaving = None
        self.drained = 0

        path = agent.inside(message.get('work_dir') or '')
        shell, environment = self.environment(message)
        self.start = (path, shell, environment,
                      (message.get('rows', 24), message.get('cols', 80)))

        # exec() tells its error through a pipe that it closes

        told_r, told_w = os.pipe()
        keep_r, keep_w = socket.socketpair()
        self.keeper, self.fd = pty.fork()

        if self.keeper == 0:
            self.keep(keep_w.detach(), told_w)

        keep_w.close()
        os.close(told_w)
        self.keep_fd = keep_r.detach()
        self.pid = struct.unpack('i', os.read(self.keep_fd, 4))[0]
        said = os.read(told_r, 256)
        os.close(told_r)

        if said:
            os.close(self.keep_fd)
            os.waitpid(self.keeper, 0)
            os.close(self.fd)
            raise Refused(500, 'spawn_failed', said.decode())

        os.set_blocking(self.fd, False)
        os.set_blocking(self.keep_fd, False)
        agent.selector.register(self.keep_fd, selectors.EVENT_READ, self.ended)
        agent.terminals[self.ch] = self
        agent.keepers.add(self.keeper)
        agent.out.json(op='opened', ch=self.ch, work_dir=path,
                       shell=os.path.basename(shell))
        self.watch()

    def keep(self, fd, told):
        """Leads the session until all has been read: when its leader exits,
        the kernel throws away what was not."""

        try:
            low, high = sorted((fd, told))
            os.closerange(3, low)
            os.closerange(low + 1, high)
            os.closerange(high + 1, 4096)
            signal.set_wakeup_fd(-1)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            for number in range(1, signal.NSIG):
                try:
                    signal.signal(number, signal.SIG_DFL)
                except (OSError, ValueError):
                    pass
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            pid = os.fork()
            if pid == 0:
                self.become(told)
            os.close(told)
            os.write(fd, struct.pack('i', pid))
            status = os.waitpid(pid, 0)[1]
            # what is read now ends, unless others have it open, too
            for number in range(3):
                os.close(number)
            os.write(fd, struct.pack('i', status))
            os.read(fd, 1)
        finally:
            os._exit(0)

    def become(self, told):
        try:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.dup2(told, 3, inheritable=False)
            os.closerange(4, 1024)
            os.chdir(self.start[0])
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack('HHHH', *self.start[3], 0, 0))
            os.execve(self.start[1],
                      ['-' + os.path.basename(self.start[1])], self.start[2])
        except OSError as error:
            os.write(3, os.strerror(error.errno).encode())
        finally:
            os._exit(127)

    def ended(self, mask):
        try:
            data = os.read(self.keep_fd, 4)
        except BlockingIOError:
            return
        self.agent.selector.unregister(self.keep_fd)
        if self.status is None:
            self.status = struct.unpack('i', data)[0] if len(data) == 4 else 9
        self.drained = 0
        self.settle()

    def environment(self, message):
        user = pwd.getpwuid(os.geteuid())
        shell = message.get('shell') or user.pw_shell or '/bin/sh'

        if not os.access(shell, os.X_OK):
            if message.get('shell'):
                raise Refused(500, 'spawn_failed',
                              'the shell cannot be executed')
            shell = '/bin/sh'

        kept = ('PATH', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR')
        result = {name: value for name, value in os.environ.items()
                  if name in kept or name.startswith('LC_')}
        result.update(HOME=user.pw_dir, USER=user.pw_name, SHELL=shell,
                      LOGNAME=user.pw_name, TERM='xterm-256color')
        result.update(message.get('env') or {})

        return shell, result

    def watch(self):
        if self.fd is None:
            return

        mask = 0
        if self.credit > 0 and not self.eof and not self.leaving:
            mask |= selectors.EVENT_READ
        if self.input:
            mask |= selectors.EVENT_WRITE

        try:
            self.agent.selector.unregister(self.fd)
        except KeyError:
            pass

        if mask:
            self.agent.selector.register(self.fd, mask, self.event)

    def event(self, mask):
        # it may have ended since these events were collected
        if self.fd is None:
            return
        if mask & selectors.EVENT_WRITE:
            try:
                n = os.write(self.fd, self.input)
                self.input = self.input[n:]
            except BlockingIOError:
                pass
            except OSError:
                self.input = b''
        if mask & selectors.EVENT_READ:
            self.read()
        self.settle()

    def read(self):
        # nothing asked for is nothing read, and that would be its end
        if self.credit <= 0:
            return False
        try:
            data = os.read(self.fd, min(self.credit, 16384))
        except BlockingIOError:
            return False
        except OSError:
            data = b''
        if not data:
            self.eof = True
            return False
        self.credit -= len(data)
        self.drained += len(data)
        self.agent.out.frame(b'D', self.ch, data)
        return True

    def settle(self):
        """Ended, and all that the kernel holds is out: tells it."""

        if self.fd is None:
            return

        if self.status is not None and not self.leaving:
            while (not self.eof and self.credit > 0
                   and self.drained < 192 * 1024):
                if not self.read() and not self.eof:
                    if not self.linger:
                        self.linger = time.monotonic() + LINGER
                    if time.monotonic() < self.linger:
                        self.watch()
                        return
                    self.eof = True
            if not self.eof and self.drained < 192 * 1024:
                self.watch()
                return

        if self.status is None:
            self.watch()
            return

        if os.WIFSIGNALED(self.status):
            code = 128 + os.WTERMSIG(self.status)
            reason = 'signal:%d' % os.WTERMSIG(self.status)
        else:
            code = os.WEXITSTATUS(self.status)
            reason = 'exited'

        try:
            self.agent.selector.unregister(self.fd)
        except KeyError:
            pass

        os.close(self.fd)
        os.close(self.keep_fd)
        self.fd = None
        self.agent.out.json(op='exit', ch=self.ch, code=code, reason=reason)

        if not self.leaving or not self.signal(0):
            del self.agent.terminals[self.ch]

    def write(self, data):
        if self.fd is None or self.status is not None:
            return
        if len(self.input) + len(data) > MAX_INPUT:
            self.agent.out.json(op='overflow', ch=self.ch)
            return
        self.input += data
        self.event(selectors.EVENT_WRITE)

    def resize(self, cols, rows):
        if self.fd is not None:
            fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                        struct.pack('HHHH', rows, cols, 0, 0))

    def signal(self, number):
        found = False
        for group in {self.pid, self.foreground}:
            try:
                os.killpg(group, number)
                found = True
            except (OSError, OverflowError):
                pass
        return found

    def hangup(self):
        if self.leaving:
            return
        try:
            self.foreground = os.tcgetpgrp(self.fd)
        except OSError:
            self.foreground = self.pid
        if self.foreground <= 1:
            self.foreground = self.pid
        self.leaving = time.monotonic() + HANGUP
        self.signal(signal.SIGHUP)
        self.signal(signal.SIGCONT)
        self.settle()

    foreground = 0
    linger = 0


class Calls:
    """Files and commands, each in a thread: the slow one stops nobody."""

    def __init__(self, agent):
        self.agent = agent
        self.lock = threading.Condition()
        self.queue = deque()
        self.running = {}
        for _ in range(WORKERS):
            threading.Thread(target=self.work, daemon=True).start()

    def add(self, message):
        with self.lock:
            self.queue.append(message)
            self.lock.notify()

    def cancel(self, number):
        with self.lock:
            for message in list(self.queue):
                if message['id'] == number:
                    self.queue.remove(message)
            process = self.running.get(number)
        if process:
            self.kill(process)

    def stop(self):
        with self.lock:
            self.queue.clear()
            processes = list(self.running.values())
        for process in processes:
            self.kill(process)

    def kill(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass

    def work(self):
        while True:
            with self.lock:
                while not self.queue:
                    self.lock.wait()
                message = self.queue.popleft()
            try:
                method = getattr(self, 'do_' + message.get('call', ''), None)
                if method is None:
                    raise Refused(404, 'not_found', 'there is no such call')
                result = method(message)
            except Refused as error:
                result = {'status': error.status, 'json': {'error': {
                    'code': error.code, 'message': str(error)}}}
            except OSError as error:
                status = {errno.ENOENT: 404, errno.EACCES: 403,
                          errno.EPERM: 403}.get(error.errno, 500)
                result = {'status': status, 'json': {'error': {
                    'code': errno.errorcode.get(error.errno, 'error'),
                    'message': os.strerror(error.errno or 0)}}}
            except Exception as error:
                result = {'status': 500, 'json': {'error': {
                    'code': 'internal', 'message': repr(error)}}}
            self.agent.out.json(op='result', id=message['id'], **result)

    def path(self, message):
        return self.agent.inside(message.get('path') or '')

    def do_read(self, message):
        path = self.path(message)
        with open(path, 'rb') as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Refused(400, 'bad_request', 'not a regular file')
            file.seek(message.get('offset', 0))
            data = file.read(min(message.get('length', MAX_READ), MAX_READ))
        return {'status': 200, 'size': status.st_size,
                'body': base64.b64encode(data).decode()}

    def do_write(self, message):
        path = self.agent.inside(message.get('path') or '', parent=True)
        data = base64.b64decode(message.get('body') or '', validate=True)
        try:
            mode = stat.S_IMODE(os.stat(path).st_mode)
        except FileNotFoundError:
            mode = 0o644
        fd, name = tempfile.mkstemp(dir=os.path.dirname(path),
                                    prefix='.sled-')
        try:
            with os.fdopen(fd, 'wb') as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            os.rename(name, path)
        except BaseException:
            os.unlink(name)
            raise
        return {'status': 204}

    def entry(self, name, status):
        kinds = {stat.S_IFREG: 'file', stat.S_IFDIR: 'folder',
                 stat.S_IFLNK: 'link'}
        return {'name': name, 'size': status.st_size,
                'mode': '%04o' % stat.S_IMODE(status.st_mode),
                'kind': kinds.get(stat.S_IFMT(status.st_mode), 'other'),
                'mtime_ms': int(status.st_mtime * 1000)}

    def do_stat(self, message):
        path = self.path(message)
        return {'status': 200, 'json': self.entry(path, os.lstat(path))}

    def do_ls(self, message):
        entries = []
        more = False
        size = 0
        with os.scandir(self.path(message)) as folder:
            for item in sorted(folder, key=lambda item: item.name):
                if item.name <= message.get('after', ''):
                    continue
                name = item.name.encode(errors='replace').decode()
                entry = self.entry(name, item.stat(follow_symlinks=False))
                size += len(json.dumps(entry)) + 2
                if size > MAX_READ:
                    more = True
                    break
                entries.append(entry)
        return {'status': 200, 'json': {
            'entries': entries,
            'next': entries[-1]['name'] if more and entries else None}}

    def do_run(self, message):
        command = message.get('command')
        if isinstance(command, str):
            command = ['/bin/sh', '-c', command]
        if not command or not all(isinstance(x, str) for x in command):
            raise Refused(400, 'bad_request', 'no command')
        process = subprocess.Popen(
            command, cwd=self.agent.inside(message.get('cwd')
                                           or self.agent.roots[0]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)
        with self.lock:
            self.running[message['id']] = process
        out = [b'', b'']
        lost = [0, 0]

        def take(i, pipe):
            while True:
                data = pipe.read1(65536)
                if not data:
                    return
                out[i] += data
                if len(out[i]) > MAX_OUTPUT:
                    lost[i] += len(out[i]) - MAX_OUTPUT
                    out[i] = out[i][-MAX_OUTPUT:]

        threads = [threading.Thread(target=take, args=pair, daemon=True)
                   for pair in enumerate((process.stdout, process.stderr))]
        for thread in threads:
            thread.start()
        code = process.wait()
        for thread in threads:
            thread.join(1)
        with self.lock:
            del self.running[message['id']]
        return {'status': 200, 'json': {
            'exit_code': code if code >= 0 else 128 - code,
            'signal': -code if code < 0 else None,
            'stdout_b64': base64.b64encode(out[0]).decode(),
            'stderr_b64': base64.b64encode(out[1]).decode(),
            'stdout_lost': lost[0], 'stderr_lost': lost[1]}}


class Agent:
    def __init__(self, silence, roots):
        self.silence = silence
        self.heard = time.monotonic()
        self.roots = [os.path.realpath(os.path.expanduser(root))
                      for root in roots or ['~']]
        self.selector = selectors.DefaultSelector()
        self.out = Out(self.selector)
        self.terminals = {}
        self.keepers = set()
        self.calls = Calls(self)
        self.buffer = bytearray()

    def inside(self, path, parent=False):
        if not path.startswith('/'):
            raise Refused(400, 'task_not_found', 'the path is not absolute')
        if parent:
            real = os.path.join(os.path.realpath(os.path.dirname(path)),
                                os.path.basename(path))
            if os.path.islink(real):
                real = os.path.realpath(real)
        else:
            real = os.path.realpath(path)
        if not any(real == root or real.startswith(root.rstrip('/') + '/')
                   for root in self.roots):
            raise Refused(403, 'task_not_found',
                          'the path is not where this sled may go')
        return real

    def run(self):
        child_r, child_w = os.pipe()
        for fd in (0, 1, child_r, child_w):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(child_w, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self.selector.register(0, selectors.EVENT_READ, self.read)
        self.selector.register(child_r, selectors.EVENT_READ,
                               lambda _: self.reap(child_r))
        self.selector.register(self.out.wake_r, selectors.EVENT_READ,
                               lambda _: os.read(self.out.wake_r, 4096))
        while True:
            self.out.flush()
            for key, mask in self.selector.select(self.nearest()):
                key.data(mask)
            self.late()

    def nearest(self):
        waits = [(t.leaving or t.linger) - time.monotonic()
                 for t in self.terminals.values()
                 if t.leaving or t.linger and t.credit > 0]
        return max(0, min(waits)) if waits else None

    def late(self):
        for terminal in list(self.terminals.values()):
            if terminal.leaving and time.monotonic() >= terminal.leaving:
                terminal.signal(signal.SIGKILL)
                if terminal.fd is None:
                    del self.terminals[terminal.ch]
                else:
                    terminal.leaving = time.monotonic() + HANGUP
            elif terminal.linger and time.monotonic() >= terminal.linger:
                terminal.settle()

    def reap(self, fd):
        try:
            os.read(fd, 4096)
        except BlockingIOError:
            pass
        # keepers that were released; how shells ended they have said

        for pid in list(self.keepers):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self.keepers.discard(pid)

    def read(self, mask):
        """All that is there, before any of it is done: behind it may be the
        end of the link, and then who asked has been told that it failed.
        So they have when nothing was heard for too long."""

        for _ in range(MAX_PIPE // 65536):
            try:
                data = os.read(0, 65536)
            except BlockingIOError:
                break
            except OSError:
                data = b''
            if not data:
                self.leave()
            self.buffer += data
        now = time.monotonic()
        if now - self.heard > self.silence:
            self.leave()
        self.heard = now
        while len(self.buffer) >= 9:
            length, kind, channel = struct.unpack_from('>IcI', self.buffer)
            if length < 5 or length > MAX_FRAME:
                self.leave()
            if len(self.buffer) < length + 4:
                break
            body = bytes(self.buffer[9:length + 4])
            del self.buffer[:length + 4]
            self.frame(kind, channel, body)

    def leave(self):
        """The link is gone: nobody hears us, nothing more is begun."""

        self.calls.stop()
        for terminal in self.terminals.values():
            if terminal.fd is not None:
                terminal.hangup()
        if self.terminals:
            time.sleep(HANGUP)
        for terminal in self.terminals.values():
            terminal.signal(signal.SIGKILL)
        os._exit(0)

    def frame(self, kind, channel, body):
        terminal = self.terminals.get(channel)
        if kind == b'D':
            if terminal:
                terminal.write(body)
            return
        if kind == b'C':
            if terminal and terminal.fd is not None:
                terminal.credit += struct.unpack('>I', body)[0]
                terminal.settle()
            return
        message = json.loads(body.decode())
        op = message.get('op')
        terminal = self.terminals.get(message.get('ch'))
        if op == 'open':
            try:
                Terminal(self, message)
            except Refused as error:
                self.out.json(op='failed', ch=message['ch'], code=error.code,
                              message=str(error))
            except OSError as error:
                self.out.json(op='failed', ch=message['ch'],
                              code='spawn_failed',
                              message=os.strerror(error.errno or 0))
        elif op == 'resize' and terminal:
            terminal.resize(message['cols'], message['rows'])
        elif op == 'hangup' and terminal and terminal.fd is not None:
            terminal.hangup()
        elif op == 'call':
            self.calls.add(message)
        elif op == 'cancel':
            self.calls.cancel(message['id'])
        elif op == 'ping':
            self.out.json(op='pong')


os.write(1, b'SLED-AGENT %d ready\n' % VERSION)
Agent(int(sys.argv[2]) / 1000, json.loads(sys.argv[3])).run()
