#!/usr/bin/perl

# The programs of docs/examples: a sled and an operator in Python and in
# JavaScript, each with each.  They ask, are sent away by a reload, come back
# with what they hold, and get their answer, a yes or a no.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Uplink::Test;

my %runs = (
    py => [qw(python3)],
    mjs => [qw(node)],
);

my %version = (
    py => 'import sys; sys.exit(sys.version_info < (3, 7))',
    mjs => 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)',
);

my @kinds = grep {
    system($runs{$_}[0], $_ eq 'py' ? '-c' : '-e', $version{$_}) == 0
} sort keys %runs;

plan skip_all => 'neither python3 nor node 18' unless @kinds;
diag('not all examples are tried: ' . "@kinds") if @kinds < keys %runs;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '', map { "$_\n" }
    'sleds:sled:' . sha256_hex('sled-secret') . ':workspaces=w:agents=*',
    'alice:operator:' . sha256_hex('alice-secret') . ':workspaces=w');

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth_tokens %%DIR%%/tokens;
    uplink_drain_timeout 2s;
    uplink_request_memory 1s;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled   { uplink_sled main; uplink_registration required; }
        location /v1/      { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my %alive;

END {
    my $status = $?;
    kill KILL => keys %alive;
    waitpid $_, 0 for keys %alive;
    $? = $status;
}

# a program: what it prints is in the test's folder, by this name

sub start {
    my ($name, $file, $token, @args) = @_;

    my ($kind) = $file =~ /\.(\w+)$/;
    pipe my $out, my $in or die "pipe: $!";

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<&', $out or exit 127;
        open STDOUT, '>', "$t->{dir}/$name.out" or exit 127;
        open STDERR, '>', "$t->{dir}/$name.err" or exit 127;
        close $in;
        $ENV{UPLINK_TOKEN} = $token;
        $ENV{PYTHONDONTWRITEBYTECODE} = 1;
        exec @{$runs{$kind}}, "$Uplink::Test::root/docs/examples/$file", @args
            or exit 127;
    }

    close $out;
    $in->autoflush(1);
    $alive{$pid} = 1;

    return { name => $name, pid => $pid, in => $in };
}

sub out { $t->read_file("$_[0]{name}.out") }
sub err { $t->read_file("$_[0]{name}.err") }

sub says {
    my ($p, $re, $what) = @_;

    ok($t->wait_for(sub { out($p) =~ $re }, 10), $what)
        or diag(out($p), err($p));
    return;
}

sub ended {
    my ($p) = @_;

    my $status;
    $t->wait_for(sub {
        return if waitpid($p->{pid}, 1) != $p->{pid};
        $status = $?;
        return 1;
    }, 10) or return;
    delete $alive{$p->{pid}};

    return $status >> 8;
}

my $port = $t->port;

for my $kind (@kinds) {
    my $op = start("op-$kind", "decide.$kind", 'alice-secret',
        "http://127.0.0.1:$port/v1");

    ok($t->wait_for(sub {
        $t->http(GET => '/status')->json->{operators}{connected};
    }), "$kind: the operator is there") or diag(err($op));

    # the first sled is told yes, the second one no

    my @sleds;

    for my $n (0 .. $#kinds) {
        my $name = "sled-$kinds[$n]-$kind";

        push @sleds, start($name, "sled.$kinds[$n]", 'sled-secret',
            "ws://127.0.0.1:$port/sled", $name, "echo ran $name");
        says($op, $n ? qr/./ : qr/^\Q$name\E asks: /m, "$name asks");
        ok($t->wait_for(sub {
            $t->http(GET => '/status')->json->{requests}{pending} == $n + 1;
        }), "$name waits");
    }

    $t->reload;

    ok($t->wait_for(sub {
        $t->http(GET => '/status')->json->{operators}{connected};
    }), "$kind: the operator is back");
    says($_, qr/^registered again/m, "$_->{name} has resumed") for @sleds;

    for my $n (0 .. $#kinds) {
        my ($sled, $yes) = ($sleds[$n], $n == 0);
        my $name = $sled->{name};

        says($op, qr/^\Q$name\E asks: .*\[y\/n\]\n/m, "$name is shown");

        print {$op->{in}} $yes ? "y\n" : "n\n";

        is(ended($sled), $yes ? 0 : 1, "$name knows what was decided");
        is(out($sled) =~ /^ran \Q$name\E$/m ? 1 : 0, $yes ? 1 : 0,
            "$name has acted on it");
        like(out($sled), qr/^answer: .*"approved": ?@{[$yes ? 'true' : 'false']
            }/m, "$name has the answer");
        is(err($sled), '', "$name has no complaints");
        says($op, $yes ? qr/"state": ?"applied"/ : qr/"state": ?"failed"/,
            'and the operator knows of it');
    }

    kill TERM => $op->{pid};
    ok(defined ended($op), "$kind: the operator leaves");
    is(err($op), '', "$kind: and has no complaints");
}

$_ = $t->http(GET => '/status')->json->{counters};
is($_->{bad_messages} + $_->{bad_decisions} + $_->{unknown_type}, 0,
    'nobody has said anything wrong');

$t->finish(leaves => 'sessions live on');

done_testing;
