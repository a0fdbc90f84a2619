package Uplink::Test;

# A real nginx with the module, in a folder of its own, for one test.
#
#   use lib 't/lib';             # or FindBin, see t/00_load.t
#   use Test::More;
#   use Uplink::Test;
#
#   my $t = Uplink::Test->new;
#
#   $t->conf(<<'EOC');           # what stands in http { }
#       uplink_zone main 1m;
#       server {
#           listen 127.0.0.1:%%PORT_0%%;
#           add_header X-Uplink-Port $uplink_port always;
#           location = /echo { uplink_echo; }
#           location = /status { uplink_status main; uplink_auth off; }
#       }
#   EOC
#
#   $t->run;
#   my $ws = $t->ws('/echo');    # dies unless upgraded: Uplink::WS
#   my $r = $t->http(GET => '/status');              # Uplink::HTTP, finished
#   is($r->json->{status}, 'ok', 'status');
#   $t->finish;                  # stops nginx, and the implicit checks
#   done_testing;
#
# Every nginx that was run must be finished: finish closes our connections,
# waits until the zone's gauges are back, quits nginx, and tests that the
# error log has no [emerg], [alert] and no sanitizer report, that every
# process ended as expected, and that the zone is as it was.
#
# Limits are for events that happen, not for sleeping: all of them are
# multiplied by ten under valgrind and by three under sanitizers.
#
# Environment:
#   UPLINK_NGINX    the binary (default: nginx from the PATH or /usr/sbin)
#   UPLINK_MODULE   the .so, or "" for a binary that has the module inside;
#                   default: $BUILD/ngx_uplink_module.so, BUILD = build
#   UPLINK_SAN=1    the sanitized .so, $BUILD/san/ngx_uplink_module.so
#   UPLINK_VALGRIND=1  everything under valgrind (memcheck)
#   UPLINK_DEBUG=1  error_log at debug
#   UPLINK_KEEP=1   keeps the folder, and says where it is

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Scalar::Util qw(weaken);
use Test::More ();
use Time::HiRes qw(time sleep);

use Uplink::Check;
use Uplink::HTTP;
use Uplink::Process;
use Uplink::Socket;
use Uplink::WS;

use parent -norequire, 'Uplink::Process', 'Uplink::Check';

our $root = abs_path(dirname(__FILE__) . '/../../..');

my @running;
my %ports;                         # port => the socket that reserves it

# a test that hangs is ended, and says so

$SIG{ALRM} = sub { die "the test took longer than its limit\n" };
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 1 };
alarm(($ENV{UPLINK_LIMIT} // 600) * $Uplink::Socket::patience);

my $owner = $$;

END {
    if ($$ == $owner) {
        my $status = $?;

        for my $t (grep { $_ && !$_->{finished} } @running) {
            Test::More::diag("nginx in $t->{dir} was not finished");
            $t->log_tail;
            $t->destroy;
            $status ||= 255;
        }

        $? = $status;
    }
}

sub new {
    my ($class, %arg) = @_;

    my $build = $ENV{BUILD} // "$root/build";
    $build = "$root/$build" unless $build =~ m{^/};

    my $self = bless {
        dir => tempdir('uplink-XXXXXXXX', TMPDIR => 1,
            CLEANUP => $ENV{UPLINK_KEEP} ? 0 : 1),
        nginx => $ENV{UPLINK_NGINX} // nginx_binary(),
        module => $ENV{UPLINK_MODULE} // $build
            . ($ENV{UPLINK_SAN} ? '/san' : '') . '/ngx_uplink_module.so',
        allowed => [],
        clients => [],
        %arg,
    }, $class;

    Test::More::diag("folder: $self->{dir}") if $ENV{UPLINK_KEEP};

    if ($self->{module} ne '' && !-e $self->{module}) {
        croak "there is no $self->{module}, run ./dev build";
    }

    return $self;
}

sub dir { $_[0]{dir} }

# where nginx is: not in everybody's PATH

sub nginx_binary {
    for my $dir (split(/:/, $ENV{PATH} // ''), '/usr/sbin', '/usr/local/sbin') {
        return "$dir/nginx" if -x "$dir/nginx";
    }

    croak 'nginx is not installed';
}

# the n-th port of this test.  A UDP socket on the same number is the lock
# between tests that run at the same time.

sub port {
    my ($self, $n) = @_;

    $n //= 0;

    for (my $try = 0; !$self->{ports}[$n] && $try < 2000; $try++) {
        my $port = 10000 + int rand 20000;
        next if $ports{$port};

        my $lock = IO::Socket::INET->new(Proto => 'udp',
            LocalAddr => "127.0.0.1:$port") or next;
        my $free = IO::Socket::INET->new(Proto => 'tcp', Listen => 1,
            LocalAddr => "127.0.0.1:$port", ReuseAddr => 1) or next;

        $ports{$port} = $lock;
        $self->{ports}[$n] = $port;
    }

    return $self->{ports}[$n] || croak 'no free port';
}

sub write_file {
    my ($self, $name, $text) = @_;

    my $path = $name =~ m{^/} ? $name : "$self->{dir}/$name";
    open my $file, '>', $path or croak "$path: $!";
    binmode $file;
    print $file $text;
    close $file or croak "$path: $!";

    return $path;
}

sub read_file {
    my ($self, $name) = @_;

    open my $file, '<', $name =~ m{^/} ? $name : "$self->{dir}/$name"
        or return '';
    binmode $file;
    local $/;

    return scalar(<$file>) // '';
}

# %%PORT_N%%, %%DIR%% and %%ROOT%% (of the source tree) in any text

sub expand {
    my ($self, $text) = @_;

    $text =~ s/%%PORT_(\d+)%%/$self->port($1)/ge;
    $text =~ s/%%DIR%%/$self->{dir}/g;
    $text =~ s/%%ROOT%%/$root/g;

    return $text;
}

# conf(text of http, [workers => 2, log => 'info', main => '…', events => '…',
#     connections => 1024, master => 1, raw => 1, status => '/status']);
# raw => 1: text is the whole file.  The status location is found by itself.
# A second call replaces the file: for reload.  What was not given again
# stays as it was in the first call.

sub conf {
    my ($self, $text, %arg) = @_;

    my %option = (workers => 2, master => 1, %{$self->{option} // {}}, %arg);
    $self->{option} = \%option;

    if ($text =~ m{location \s+ (?:=\s+)? (\S+) \s* \{ [^{}]*
                   \buplink_status\b}x)
    {
        $option{status} //= $1;
    }

    $self->write_file('nginx.conf', $self->text($text, %option));

    return $self;
}

# the whole configuration; $self->{offset} lines stand before the test's own

sub text {
    my ($self, $http, %o) = @_;

    return $self->expand($http) if $o{raw};

    my $log = $ENV{UPLINK_DEBUG} ? 'debug' : $o{log} // 'info';
    my $name = $o{name} // '';

    my $head = join "\n",
        $self->{module} ne '' ? "load_module $self->{module};" : '',
        'daemon off;',
        $o{master} ? '' : 'master_process off;',
        "worker_processes $o{workers};",
        $> == 0 ? 'user root;' : '',
        "pid %%DIR%%/nginx$name.pid;",
        "lock_file %%DIR%%/nginx.lock;",
        "error_log %%DIR%%/error$name.log $log;",
        $o{main} // '',
        'events {',
        '    worker_connections ' . ($o{connections} // 1024) . ';',
        $o{events} // '',
        '}',
        'http {',
        "access_log %%DIR%%/access$name.log;",
        (map { "${_}_temp_path %%DIR%%/$_;" }
            qw(client_body proxy fastcgi uwsgi scgi)),
        '';

    $self->{offset} = $head =~ tr/\n//;

    return $self->expand("$head$http\n}\n");
}

# nginx -t on a text of http (options as for conf): exit code, message, and
# all that was printed.  The message is the first line of level warn or
# above, without level; a place in the text is "in http:LINE", and the
# test's folder is "%%DIR%%".

sub check {
    my ($self, $http, %arg) = @_;

    my %option = (workers => 2, master => 1, name => '-check', %arg);
    my $path = $self->write_file('check.conf', $self->text($http, %option));

    my ($code, $output) = $self->nginx_once('-t', '-c', $path);

    my $offset = $option{raw} ? 0 : $self->{offset};
    my ($message)
        = $output =~ /^nginx: \[(?:warn|error|crit|alert|emerg)\] (.*)/m;

    if (defined $message) {
        $message =~ s{ in \Q$path\E:(\d+)$}{' in http:' . ($1 - $offset)}e;
        $message =~ s{\Q$self->{dir}\E}{%%DIR%%}g;
    }

    return ($code, $message, $output);
}

# ---- clients

sub client {
    my ($self, $client) = @_;

    push @{$self->{clients}}, $client;
    weaken $self->{clients}[-1];

    if (@{$self->{clients}} > 4096) {
        $self->{clients} = [grep { $_ } @{$self->{clients}}];
        weaken $_ for @{$self->{clients}};
    }

    return $client;
}

# socket([port => N, tls => 1, …]): raw bytes

sub socket {
    my ($self, %arg) = @_;

    return $self->client(Uplink::Socket->new(port => $self->port, %arg));
}

# http(METHOD => path, [json, body, chunks, headers, port, tls, limit, …])

sub http {
    my ($self, $method, $path, %arg) = @_;

    return $self->start($method, $path, %arg)->finish;
}

# the same, not waiting for the response

sub start {
    my ($self, $method, $path, %arg) = @_;

    return $self->client(Uplink::HTTP->start(port => $self->port,
        method => $method, path => $path, %arg));
}

# handshake(path, [headers, protocol, port, tls, …]): whatever comes of it,
# see Uplink::WS

sub handshake {
    my ($self, $path, %arg) = @_;

    return $self->client(Uplink::WS->new(port => $self->port, path => $path,
        %arg));
}

# ws(path, [as above]): a good one, or death.  With on => PID or not_on => PID
# it is tried until it lands (not) in that worker process; with at => N or
# not_at => N by the module's own port number, from the header X-Uplink-Port.

sub ws {
    my ($self, $path, %arg) = @_;

    my %where = map { $_ => delete $arg{$_} } grep { exists $arg{$_} }
        qw(on not_on at not_at);

    my @others;      # kept open meanwhile: they make that worker the busier

    for (1 .. 400) {
        my $ws = $self->handshake($path, %arg);
        my $error = $ws->handshake_error;
        croak "WebSocket $path: $error: " . ($ws->{body} // '') if $error;

        if (!%where || $self->is_at($ws, %where)) {
            $_->close for @others;
            return $ws;
        }

        push @others, $ws;
        shift(@others)->close if @others > 32;
    }

    croak 'no connection landed in the worker ' . join ' ', %where;
}

sub is_at {
    my ($self, $client, %where) = @_;

    if (exists $where{on} || exists $where{not_on}) {
        my $pid = $self->pid_of($client);
        return 0 if defined $where{on} && $pid != $where{on};
        return 0 if defined $where{not_on} && $pid == $where{not_on};
    }

    if (exists $where{at} || exists $where{not_at}) {
        my $port = $client->header('x-uplink-port')
            // croak 'the response has no X-Uplink-Port';
        return 0 if defined $where{at} && $port ne $where{at};
        return 0 if defined $where{not_at} && $port eq $where{not_at};
    }

    return 1;
}

# a certificate for tests with TLS: %%DIR%%/cert.pem and %%DIR%%/key.pem

sub certificate {
    my ($self) = @_;

    my $dir = $self->{dir};
    return if -e "$dir/cert.pem";

    system('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256'
        . " -nodes -days 2 -subj /CN=localhost -keyout $dir/key.pem"
        . " -out $dir/cert.pem 2> $dir/openssl.log") == 0
        or croak 'openssl: ' . $self->read_file('openssl.log');

    return;
}

# ---- waiting

# wait_for(sub, [limit]): what the sub returned when it was true, or nothing

sub wait_for {
    my ($self, $sub, $limit) = @_;

    my $deadline = time + ($limit // 5) * $Uplink::Socket::patience;
    my $pause = 0.001;

    for ( ;; ) {
        my $value = $sub->();
        return $value if $value;
        return if time > $deadline;
        sleep $pause;
        $pause = $pause * 1.5 > 0.05 ? 0.05 : $pause * 1.5;
    }
}

# the ones of these clients that have something to read, within the limit

sub readable {
    my ($self, $limit, @clients) = @_;

    my @ready;

    $self->wait_for(sub {
        @ready = grep { $_->readable } @clients;
        return scalar @ready;
    }, $limit);

    return @ready;
}

# ---- logs

sub log        { $_[0]->read_file('error.log') }
sub access_log { $_[0]->read_file('access.log') }

# wait_log(qr/…/, [limit]): until the error log matches

sub wait_log {
    my ($self, $re, $limit) = @_;

    return $self->wait_for(sub { $self->log =~ $re }, $limit);
}

# allow(qr/…/): lines of level alert and above that this test causes

sub allow {
    my ($self, @patterns) = @_;

    push @{$self->{allowed}}, @patterns;
    return $self;
}

sub log_tail {
    my ($self) = @_;

    my @lines = grep { !/\[debug\]/ } split /\n/, $self->log;
    splice @lines, 0, @lines - 25 if @lines > 25;
    Test::More::diag(join "\n", 'the end of the error log:', @lines);

    return;
}

sub register {
    my ($self) = @_;

    push @running, $self;
    weaken $running[-1];
    return;
}

1;
