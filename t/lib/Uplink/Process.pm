package Uplink::Process;

# nginx as a process: start, reload, kill, quit, and who its workers are.
# Part of Uplink::Test.

use strict;
use warnings;

use Carp qw(croak);
use Config;
use POSIX qw(WNOHANG);
use Test::More ();
use version;

# starts nginx and waits until all its workers are in their event loops

sub run {
    my ($self) = @_;

    croak 'already running' if $self->{master};

    $self->{master} = $self->spawn('-c', "$self->{dir}/nginx.conf");
    $self->{finished} = 0;
    $self->register;

    my $ready = $self->wait_for(sub {
        $self->exited || $self->ready == $self->{option}{workers};
    }, 15);

    if (!$ready || $self->exited) {
        my $said = $self->read_file('stderr.log');
        $self->destroy;
        croak "nginx did not start: $said";
    }

    $self->zone_start;

    return $self;
}

sub spawn {
    my ($self, @arg) = @_;

    my @command = ($self->command('error.log'), @arg);

    unshift @command, $self->valgrind if $ENV{UPLINK_VALGRIND};

    my $pid = fork // croak "fork: $!";
    return $pid if $pid;

    # nginx goes when the test goes, whatever way: prctl(PR_SET_PDEATHSIG)

    my %prctl = (x86_64 => 157, aarch64 => 167);
    my ($arch) = $Config{archname} =~ /^(\w+)-/;
    syscall($prctl{$arch}, 1, 15, 0, 0, 0) if $prctl{$arch};

    $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP PIPE);
    alarm 0;

    $self->sanitizer_env if $ENV{UPLINK_SAN};

    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', "$self->{dir}/stderr.log";
    open STDERR, '>&', \*STDOUT;

    { exec @command };
    print STDERR "exec $command[0]: $!\n";
    POSIX::_exit(127);
}

# nginx 1.19.5 brought -e; before, a log of its own must be there

sub command {
    my ($self, $log) = @_;

    $self->{version} //= version->parse(
        `$self->{nginx} -v 2>&1` =~ m{nginx/([0-9.]+)} ? $1 : 0);

    if ($self->{version} < version->parse('1.19.5')) {
        mkdir "$self->{dir}/logs";
        return ($self->{nginx}, '-p', $self->{dir});
    }

    return ($self->{nginx}, '-p', $self->{dir}, '-e', "$self->{dir}/$log");
}

# nginx for a moment: exit code and output

sub nginx_once {
    my ($self, @arg) = @_;

    unlink "$self->{dir}/stderr.log.once";
    my $pid = fork // croak "fork: $!";

    if ($pid == 0) {
        alarm 0;
        $self->sanitizer_env if $ENV{UPLINK_SAN};
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$self->{dir}/stderr.log.once";
        open STDERR, '>&', \*STDOUT;
        { exec $self->command('once.log'), @arg };
        POSIX::_exit(127);
    }

    waitpid $pid, 0;
    my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;

    return ($code, $self->read_file('stderr.log.once'));
}

sub sanitizer_env {
    my ($self) = @_;

    my @libs = map { my $lib = `gcc -print-file-name=$_`; chomp $lib; $lib }
        qw(libasan.so libubsan.so);

    my $dir = $self->{dir};

    # the slow unwinder sees through a nginx built without frame pointers:
    # Uplink::Check needs to know whose leak it is; the module is preloaded
    # as well, or its names are gone when leaks are looked for

    push @libs, $self->{module} if $self->{module} ne '';

    $ENV{LD_PRELOAD} = join ':', @libs;
    $ENV{ASAN_OPTIONS} = "log_path=$dir/asan:detect_leaks=1"
        . ':fast_unwind_on_malloc=0:detect_odr_violation=0:exitcode=0';
    $ENV{UBSAN_OPTIONS} = 'print_stacktrace=1';
    return;
}

sub valgrind {
    my ($self) = @_;

    return ('valgrind', '--quiet', "--log-file=$self->{dir}/valgrind.%p",
        '--leak-check=full', '--keep-debuginfo=yes',
        '--errors-for-leak-kinds=definite',
        '--show-leak-kinds=definite',
        "--suppressions=$Uplink::Test::root/t/lib/valgrind.supp");
}

# ---- who is there

sub master { $_[0]{master} }

# has the master gone?  Its status is in {status} then

sub exited {
    my ($self) = @_;

    return 1 if !$self->{master};

    if (waitpid($self->{master}, WNOHANG) == $self->{master}) {
        $self->{status} = $?;
        delete $self->{master};
        return 1;
    }

    return 0;
}

sub slurp {
    open my $file, '<', $_[0] or return '';
    local $/;
    return scalar(<$file>) // '';
}

# living children of the master: pid => title

sub children {
    my ($self) = @_;

    my $master = $self->{master} or return;
    my %title;

    for my $pid (split ' ', slurp("/proc/$master/task/$master/children")) {
        my ($state) = slurp("/proc/$pid/stat") =~ /\) (\S)/ or next;
        next if $state eq 'Z';

        if ($ENV{UPLINK_VALGRIND}) {
            $title{$pid} = $self->title_from_log($pid);
            next;
        }

        ($title{$pid}) = slurp("/proc/$pid/cmdline") =~ /^([^\0]*)/;
    }

    return %title;
}

# valgrind hides the titles that nginx gives to its processes

sub title_from_log {
    my ($self, $pid) = @_;

    my $log = $self->log;

    return 'nginx: worker process is shutting down'
        if $log =~ / $pid#$pid: gracefully shutting down/;
    return $log =~ /start (worker|cache manager|cache loader) process $pid$/m
        ? "nginx: $1 process" : 'nginx: starting';
}

# the workers that take connections, oldest first.  nginx writes the title
# behind the last init_process: who has it is ready.

sub workers {
    my ($self) = @_;

    return $self->{master} ? ($self->{master}) : () if !$self->{option}{master};

    my %title = $self->children;
    my @pids = sort { $a <=> $b }
        grep { $title{$_} eq 'nginx: worker process' } keys %title;

    return @pids;
}

sub leaving {
    my ($self) = @_;

    my %title = $self->children;
    my @pids = sort { $a <=> $b }
        grep { $title{$_} =~ /shutting down/ } keys %title;

    return @pids;
}

sub ready {
    my ($self) = @_;

    return scalar $self->workers if $self->{option}{master};

    # a single process has no title: it listens when its log says so much

    return 0 if $self->log !~ /using the "\w+" event method/;
    return $self->{ports} && !eval { $self->socket->close; 1 } ? 0
        : $self->{option}{workers};
}

# the process that has accepted this client's connection

sub pid_of {
    my ($self, $client) = @_;

    my $here = sprintf ':%04X', $client->{port};
    my $there = sprintf ':%04X', $client->local_port;
    my $inode;

    for my $line (split /\n/, slurp('/proc/net/tcp')) {
        my @field = split ' ', $line;
        next unless $field[1] =~ /$here$/ && $field[2] =~ /$there$/;
        $inode = $field[9];
    }

    croak 'nobody has this connection' unless $inode;

    my %title = $self->children;

    for my $pid (keys %title, $self->{master}) {
        for my $fd (glob "/proc/$pid/fd/*") {
            return $pid if (readlink $fd // '') eq "socket:[$inode]";
        }
    }

    croak 'no process of this nginx has this connection';
}

# how many file descriptors a process has open

sub fds {
    my ($self, $pid) = @_;

    return scalar(my @list = glob "/proc/$pid/fd/*");
}

# ---- what is done to it

sub signal {
    my ($self, $signal, $pid) = @_;

    kill $signal, $pid // $self->{master};
    return $self;
}

# reload([conf => text, more options of conf], [wait => 'new' | 'old']): until
# the new workers run (new), or the old ones have gone as well (old, the
# default).  The pids of the old workers.

sub reload {
    my ($self, %arg) = @_;

    my $wait = delete $arg{wait} // 'old';
    my $limit = delete $arg{limit} // 15;
    my $text = delete $arg{conf};
    $self->conf($text, %arg) if defined $text;

    my %old = map { $_ => 1 } $self->workers;
    my $emerg = () = $self->log =~ /\[emerg\]/g;

    $self->signal('HUP');

    my $new = $self->wait_for(sub {
        my @new = $self->workers;
        return @new == $self->{option}{workers} && !grep { $old{$_} } @new;
    }, $limit);

    if (!$new) {
        my $now = () = $self->log =~ /\[emerg\]/g;
        $self->log_tail;
        croak $now > $emerg ? 'the reload failed' : 'no new workers came';
    }

    if ($wait eq 'old') {
        $self->wait_for(sub {
            my %title = $self->children;
            return !grep { $old{$_} } keys %title;
        }, $limit) or croak 'the old workers did not leave';
    }

    my @pids = sort { $a <=> $b } keys %old;

    return @pids;
}

# a reload that nginx must refuse: returns its [emerg] message

sub reload_fails {
    my ($self, %arg) = @_;

    my $good = $self->read_file('nginx.conf');
    my %option = %{$self->{option}};
    my $text = delete $arg{conf};
    my $from = length $self->log;

    $self->conf($text, %arg);
    $self->signal('HUP');

    my $message = $self->wait_for(sub {
        substr($self->log, $from) =~ /\[emerg\] \d+#\d+: (.*)/ ? $1 : undef;
    }, 10) or croak 'the reload did not fail';

    $self->allow(qr/\Q$message\E/);
    $self->write_file('nginx.conf', $good);
    $self->{option} = \%option;

    return $message;
}

# kill -9 one worker; waits for the one that replaces it and returns its pid

sub kill9 {
    my ($self, $pid) = @_;

    my %before = map { $_ => 1 } $self->workers;

    $self->allow(qr/worker process $pid exited on signal 9/);
    kill 'KILL', $pid;

    my $new = $self->wait_for(sub {
        my @new = grep { !$before{$_} } $self->workers;
        return $new[0];
    }, 10) or croak "no worker came for $pid";

    return $new;
}

# ends nginx by this signal (QUIT: when its connections are done): the exit
# status, or undef if it did not end in time

sub stop {
    my ($self, $signal, $limit) = @_;

    $self->signal($signal // 'QUIT');
    $self->wait_for(sub { $self->exited }, $limit // 15) or return;

    return $self->{status};
}

# without ceremony: for END and for what does not end otherwise

sub destroy {
    my ($self) = @_;

    if (!$self->exited) {
        my %title = $self->children;
        kill 'TERM', $self->{master};
        $self->wait_for(sub { $self->exited }, 3);

        if ($self->{master}) {
            kill 'KILL', keys %title, $self->{master};
            $self->wait_for(sub { $self->exited }, 3);
        }
    }

    $self->{finished} = 1;
    return;
}

1;
