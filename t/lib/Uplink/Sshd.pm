package Uplink::Sshd;

# A real sshd on loopback ports, with keys of its own, and configurations for
# its clients: for tests of sled ssh.
#
#   my $sshd = Uplink::Sshd->new(dir => $dir, force => ['exit 5']);
#   $sshd->port                  # of a server as it should be
#   $sshd->port(1)               # of one that runs force => [0] instead
#   $sshd->config('name', key => 'user_key', more => "…\n")    # for ssh -F
#   $sshd->{v6}                  # is [::1] there as well?  the same port
#
# "thebox" is a name of the first port in each configuration; the keys
# user_key and other_key are in the folder, only the first is accepted.
# Ends with the test.

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::INET;
use IO::Socket::IP;
use Time::HiRes qw(time sleep);

use Uplink::Socket;

my $owner = $$;
my @running;

END {
    if ($$ == $owner) {
        my $status = $?;
        $_->stop for @running;
        $? = $status;
    }
}

sub program {
    my ($path) = grep { -x } qw(/usr/sbin/sshd /usr/local/sbin/sshd);
    return $path;
}

sub new {
    my ($class, %arg) = @_;

    my $self = bless { force => [], %arg }, $class;
    my $dir = $self->{dir};

    mkdir '/run/sshd', 0755 if $> == 0 && !-d '/run/sshd';

    system("ssh-keygen -q -t ed25519 -N '' -f $dir/$_") == 0
        or croak 'ssh-keygen' for qw(host_key user_key other_key);

    my @listen = map { IO::Socket::INET->new(Listen => 1,
        LocalAddr => '127.0.0.1:0') } 0 .. @{$self->{force}};
    $self->{ports} = [map { $_->sockport } @listen];
    $self->{v6} = IO::Socket::IP->new(Listen => 1, LocalHost => '::1',
        LocalPort => $self->port) ? 1 : 0;
    undef @listen;

    $self->put('sshd_config', $self->text);
    my ($key) = $self->slurp("$dir/host_key.pub") =~ /^(\S+ \S+)/;
    $self->put('known_hosts', join '', map { "$_ $key\n" }
        map { ("[127.0.0.1]:$_", "[::1]:$_") } @{$self->{ports}});

    $self->start;

    return $self;
}

sub text {
    my ($self) = @_;

    my $dir = $self->{dir};
    my $text = <<"EOC";
HostKey $dir/host_key
AuthorizedKeysFile $dir/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PermitUserEnvironment no
EOC

    $text .= "ListenAddress 127.0.0.1:$_\n" for @{$self->{ports}};
    $text .= 'ListenAddress [::1]:' . $self->port . "\n" if $self->{v6};

    for my $i (1 .. @{$self->{force}}) {
        $text .= 'Match LocalPort ' . $self->port($i) . "\n"
            . "  ForceCommand $self->{force}[$i - 1]\n";
    }

    return $text;
}

sub start {
    my ($self) = @_;

    $self->{pid} = fork // croak "fork: $!";

    if ($self->{pid} == 0) {
        open STDERR, '>', "$self->{dir}/sshd.log";
        { exec program(), '-D', '-e', '-f', "$self->{dir}/sshd_config" }
        POSIX::_exit(127);
    }

    push @running, $self;
    my $deadline = time + 10 * $Uplink::Socket::patience;

    until (IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $self->port)) {
        croak 'no sshd' if time > $deadline;
        sleep 0.01;
    }

    return;
}

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;
    kill TERM => $pid;
    waitpid $pid, 0;

    return;
}

sub port { $_[0]{ports}[$_[1] // 0] }

sub config {
    my ($self, $name, %arg) = @_;

    my $dir = $self->{dir};
    my $user = getpwuid $>;

    return $self->put($name, "Host thebox\n  HostName 127.0.0.1\n"
        . '  Port ' . $self->port . "\n"
        . "Host *\n  User $user\n  IdentitiesOnly yes\n"
        . "  IdentityFile $dir/" . ($arg{key} // 'user_key') . "\n"
        . ($arg{more} // '')
        . "  UserKnownHostsFile $dir/known_hosts\n"
        . "  StrictHostKeyChecking yes\n");
}

# ---- files of its folder

sub put {
    my ($self, $name, $text, $mode) = @_;

    open my $file, '>', "$self->{dir}/$name" or croak "$name: $!";
    print $file $text;
    close $file;
    chmod $mode // 0600, "$self->{dir}/$name";

    return "$self->{dir}/$name";
}

sub slurp {
    my ($self, $path) = @_;

    open my $file, '<', $path or return '';
    local $/;

    return scalar(<$file>) // '';
}

1;
