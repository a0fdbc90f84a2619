package Uplink::Socket;

# A TCP or TLS client socket with a read buffer and a deadline on everything.
# Never blocks longer than told; what goes wrong is in ->error ("eof",
# "timeout", or the system's words), never an exception after connect.

use strict;
use warnings;

use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER SO_RCVBUF
    inet_aton pack_sockaddr_in);
use Time::HiRes qw(time sleep);

# slow machines, valgrind and sanitizers: every limit is multiplied by this

our $patience = $ENV{UPLINK_VALGRIND} ? 10 : $ENV{UPLINK_SAN} ? 3 : 1;

our $limit = 5;

# new(port => N, [host, tls => 1 or { IO::Socket::SSL options }, limit,
#     rcvbuf => bytes, preface => bytes sent before anything else])

sub new {
    my ($class, %arg) = @_;

    my $self = bless {
        buffer => '',
        error => '',
        limit => ($arg{limit} // $limit) * $patience,
        port => $arg{port},
        bytes_in => 0,
    }, $class;

    my $host = $arg{host} // '127.0.0.1';

    my $sock = IO::Socket::INET->new(
        Proto => 'tcp', Timeout => $self->{limit},
    ) or croak "socket: $@";

    # before connect: it bounds the window that is offered

    setsockopt($sock, SOL_SOCKET, SO_RCVBUF, $arg{rcvbuf}) if $arg{rcvbuf};

    $sock->connect(pack_sockaddr_in($arg{port}, inet_aton($host)))
        or croak "connect to $host:$arg{port}: $!";

    setsockopt($sock, IPPROTO_TCP, TCP_NODELAY, 1);

    $self->{local_port} = $sock->sockport;

    syswrite $sock, $arg{preface} if defined $arg{preface};

    if ($arg{tls}) {
        require IO::Socket::SSL;
        my %ssl = ref $arg{tls} ? %{$arg{tls}} : ();

        IO::Socket::SSL->start_SSL($sock,
            SSL_verify_mode => IO::Socket::SSL::SSL_VERIFY_NONE(),
            Timeout => $self->{limit}, %ssl,
        ) or croak "TLS to $host:$arg{port}: $IO::Socket::SSL::SSL_ERROR";

        $self->{tls} = 1;
    }

    $sock->blocking(0);
    $self->{sock} = $sock;
    $self->{select} = IO::Select->new($sock);

    return $self;
}

sub error      { $_[0]{error} }
sub local_port { $_[0]{local_port} }
sub handle     { $_[0]{sock} }
sub buffer     { $_[0]{buffer} }

# writes all of it: true, or false and ->error

sub write {
    my ($self, $data, $limit) = @_;

    my $sock = $self->{sock} or return $self->failed('closed');
    my $deadline = time + ($limit ? $limit * $patience : $self->{limit});
    my $done = 0;

    local $SIG{PIPE} = 'IGNORE';

    while ($done < length $data) {
        my $n = syswrite $sock, $data, length($data) - $done, $done;

        if ($n) {
            $done += $n;
            next;
        }

        if (!defined $n && !$!{EAGAIN} && !$!{EWOULDBLOCK} && !$!{EINTR}) {
            return $self->failed("$!" || 'write');
        }

        my $left = $deadline - time;
        return $self->failed('timeout') if $left <= 0;
        $self->{select}->can_write($left);
    }

    return 1;
}

# one pass of reading into the buffer: bytes read, 0 when nothing came in
# time, undef at the end of the stream (and ->error)

sub fill {
    my ($self, $wait) = @_;

    my $sock = $self->{sock} or return $self->failed('closed');
    my $deadline = time + $wait;

    for ( ;; ) {
        my $n = sysread $sock, $self->{buffer}, 65536, length $self->{buffer};

        if ($n) {
            $self->{bytes_in} += $n;
            return $n;
        }

        return $self->failed('eof') if defined $n;

        if (!$!{EAGAIN} && !$!{EWOULDBLOCK} && !$!{EINTR}) {
            return $self->failed($!{ECONNRESET} ? 'reset' : "$!" || 'read');
        }

        my $left = $deadline - time;
        return 0 if $left <= 0;
        $self->{select}->can_read($left);
    }
}

# reads until check->(buffer) is true, and returns what it returned

sub until {
    my ($self, $check, $limit) = @_;

    my $deadline = time + ($limit ? $limit * $patience : $self->{limit});

    for ( ;; ) {
        my $value = $check->($self);
        return $value if $value;

        my $left = $deadline - time;
        return $self->failed('timeout') if $left <= 0;
        defined $self->fill($left) or return;
    }
}

# exactly n bytes, taken from the buffer

sub bytes {
    my ($self, $n, $limit) = @_;

    $n == 0
        || $self->until(sub { length $_[0]{buffer} >= $n }, $limit) or return;
    return substr $self->{buffer}, 0, $n, '';
}

# everything up to the end of the stream

sub rest {
    my ($self, $limit) = @_;

    $self->until(sub { 0 }, $limit);
    return if $self->{error} eq 'timeout';
    my $all = $self->{buffer};
    $self->{buffer} = '';
    return $all;
}

# true if the peer closed the connection within the limit

sub closed {
    my ($self, $limit) = @_;

    $self->until(sub { 0 }, $limit);
    return $self->{error} eq 'eof' || $self->{error} eq 'reset';
}

# is there something to read now?

sub readable {
    my ($self) = @_;

    return 1 if length $self->{buffer};
    return defined $self->fill(0) ? length $self->{buffer} > 0 : 1;
}

# closes; with reset => 1 by an RST, as a machine that has lost its state

sub close {
    my ($self, %arg) = @_;

    my $sock = delete $self->{sock} or return;

    if ($arg{reset}) {
        setsockopt($sock, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    }

    $self->{tls}
        ? $sock->close(SSL_no_shutdown => $arg{reset} ? 1 : 0) : close $sock;
    delete $self->{select};
    return;
}

sub failed {
    my ($self, $what) = @_;

    $self->{error} = $what;
    return;
}

1;
