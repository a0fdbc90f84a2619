package Uplink::Daemon;

# The sled program as a process, in a folder of its own, for one test.
#
#   my $sled = Uplink::Daemon->new(gateway => "ws://127.0.0.1:$port/sled");
#   $sled->run('--task', 'issue=i,dir=/tmp');
#   $sled->wait_log(qr/registered/);
#   my $ask = $sled->start('ask', '--tool', 'Bash', '--input', '{}');
#   my ($code, $out) = $ask->wait;
#   $sled->finish;               # SIGTERM, and it ends with 0
#
# The binary is $BUILD/sled; with UPLINK_SAN=1 $BUILD/san/sled, and with
# UPLINK_VALGRIND=1 (or valgrind => 1) it runs under memcheck.

use strict;
use warnings;

use Carp qw(croak);
use Config;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX qw(WNOHANG);
use Test::More ();
use Time::HiRes qw(time sleep);

use Uplink::Socket;

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $owner = $$;
my %alive;

$SIG{ALRM} = sub { die "the test took longer than its limit\n" };
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 1 };
alarm(($ENV{UPLINK_LIMIT} // 240) * $Uplink::Socket::patience);

END {
    if ($$ == $owner) {
        my $status = $?;
        kill KILL => $_ for keys %alive;
        waitpid $_, 0 for keys %alive;
        $? = $status;
    }
}

sub new {
    my ($class, %arg) = @_;

    my $build = $ENV{BUILD} // "$root/build";
    $build = "$root/$build" unless $build =~ m{^/};

    my $self = bless {
        dir => tempdir('sled-XXXXXXXX', TMPDIR => 1,
            CLEANUP => $ENV{UPLINK_KEEP} ? 0 : 1),
        binary => $build . ($ENV{UPLINK_SAN} ? '/san' : '') . '/sled',
        valgrind => $ENV{UPLINK_VALGRIND},
        id => 'sled-1',
        serial => 0,
        env => {},
        %arg,
    }, $class;

    croak "there is no $self->{binary}, run ./dev build"
        unless -x $self->{binary};

    return $self;
}

sub dir { $_[0]{dir} }

# a process of the program: object with pid; stdout, stderr and the exit code
# when it ended.  stdin => "text"

sub start {
    my ($self, @command) = @_;

    my %option = ref $command[0] ? %{shift @command} : ();
    my $base = "$self->{dir}/p" . ++$self->{serial};

    if (defined $option{stdin}) {
        open my $in, '>', "$base.in" or croak "$base.in: $!";
        print $in $option{stdin};
        close $in;
    }

    my @full = ($self->{binary}, @command);

    unshift @full, 'valgrind', '-q', '--leak-check=full',
        '--show-leak-kinds=definite,indirect', '--errors-for-leak-kinds=all',
        '--child-silent-after-fork=yes', '--error-exitcode=99',
        "--log-file=$base.valgrind" if $self->{valgrind};

    my $pid = fork // croak "fork: $!";

    if ($pid == 0) {
        my %prctl = (x86_64 => 157, aarch64 => 167);
        my ($arch) = $Config{archname} =~ /^(\w+)-/;
        syscall($prctl{$arch}, 1, 15, 0, 0, 0) if $prctl{$arch};

        $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP PIPE);
        alarm 0;

        delete $ENV{$_} for grep { /^SLED_|_proxy$|_PROXY$|^XDG_/ } keys %ENV;
        $ENV{HOME} = $self->{dir};
        $ENV{SLED_STATE} = "$self->{dir}/state";
        $ENV{ASAN_OPTIONS} = 'detect_leaks=1';
        my %env = (%{$self->{env}}, %{$option{env} // {}});
        $ENV{$_} = $env{$_} for keys %env;

        open STDIN, '<', defined $option{stdin} ? "$base.in" : '/dev/null';
        open STDOUT, '>', "$base.out";
        open STDERR, '>', "$base.err";
        { exec @full };
        POSIX::_exit(127);
    }

    $alive{$pid} = 1;

    return bless { pid => $pid, base => $base }, 'Uplink::Daemon::Process';
}

# starts the daemon

sub run {
    my ($self, @flags) = @_;

    my @gateways = ref $self->{gateway} ? @{$self->{gateway}}
        : $self->{gateway};

    $self->{process} = $self->start('run', '--id', $self->{id},
        (map { ('--gateway', $_) } @gateways), @flags);

    return $self;
}

sub pid { $_[0]{process}{pid} }
sub log { $_[0]{process}->err }

sub wait_for {
    my ($self, $sub, $limit) = @_;

    my $deadline = time + ($limit // 10) * $Uplink::Socket::patience
        * ($self->{valgrind} ? 5 : 1);

    for ( ;; ) {
        my $value = $sub->();
        return $value if $value;
        return if time > $deadline;
        sleep 0.01;
    }
}

# the n-th line (default: the first) that matches, when it is there

sub wait_log {
    my ($self, $re, $n, $limit) = @_;

    my $line;

    my $found = $self->wait_for(sub {
        my @lines = grep { $_ =~ $re } split /\n/, $self->log;
        $line = $lines[($n // 1) - 1];
        return defined $line;
    }, $limit);

    Test::More::diag("the log of sled:\n" . $self->log) unless $found;

    return $line;
}

# one command to its end: exit code, what it said as JSON, and as text

sub command {
    my ($self, @command) = @_;

    my $process = $self->start(@command);
    my $code = $process->wait;
    my $out = $process->out;

    my $json = eval { JSON::PP->new->utf8->decode($out) };

    return ($code, $json, $out, $process->err);
}

# test: it ends by SIGTERM, with 0 and without a report

sub finish {
    my ($self) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    kill TERM => $self->pid;
    my $code = $self->{process}->wait;

    my $report = join '', map { $self->slurp($_) }
        glob "$self->{dir}/p*.valgrind";

    # TIOCGPTPEER, by which glibc opens the other side, is unknown to it

    $report =~ s/^==\d+== Warning: .* ioctl 0x5441.*\n(?:==\d+==    .*\n)*//gm;

    Test::More::is($code, 0, 'sled ended as told')
        or Test::More::diag($self->log);
    Test::More::is($report, '', 'no report of valgrind')
        if $self->{valgrind};
    Test::More::unlike($self->log, qr/Sanitizer|runtime error/,
        'no report of a sanitizer') if $ENV{UPLINK_SAN};

    return;
}

sub kill_hard {
    my ($self) = @_;

    kill KILL => $self->pid;
    return $self->{process}->wait;
}

sub slurp {
    my ($self, $path) = @_;

    open my $file, '<', $path or return '';
    binmode $file;
    local $/;

    return scalar(<$file>) // '';
}

package Uplink::Daemon::Process;

use strict;
use warnings;

sub pid { $_[0]{pid} }
sub out { Uplink::Daemon->slurp("$_[0]{base}.out") }
sub err { Uplink::Daemon->slurp("$_[0]{base}.err") }

sub ended {
    my ($self) = @_;

    return 1 if defined $self->{code};
    return 0 unless waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid};

    delete $alive{$self->{pid}};
    $self->{code} = $? & 127 ? 128 + ($? & 127) : $? >> 8;

    return 1;
}

# the exit code, or nothing when it did not end in time

sub wait {
    my ($self, $limit) = @_;

    my $sled = bless { valgrind => $ENV{UPLINK_VALGRIND} }, 'Uplink::Daemon';
    $sled->wait_for(sub { $self->ended }, $limit // 20) or return;

    return $self->{code};
}

1;
