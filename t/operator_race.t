#!/usr/bin/perl

# Two operators in two workers, and REST, decide the same 200 requests at
# once: each has one decision, and whoever came second is told which.

use strict;
use warnings;

use Test::More;

use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Sled;
use Uplink::Test;

use constant N => 200;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 2m;
    uplink_auth off;
    uplink_request_memory 1s;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);

my $ada = Uplink::Operator->new($t)->attach(at => 0);
my $eve = Uplink::Operator->new($t)->attach(at => 1);
my $sled = sled($t, 'alpha', at => 1);

request($sled, "id$_", tool_input => $_) for 1 .. N;

# both have all of them before anyone decides

my %id;          # the gateway's req_id => the sled's

for my $op ($ada, $eve) {
    for (1 .. N) {
        my $q = $op->await('perm_request') or last;
        $id{$q->{req_id}} = "id$q->{tool_input}";
    }
}

is(scalar keys %id, N, 'both operators have all requests');

# ada approves, eve denies, in opposite orders and at the same time; every
# tenth is decided over REST as well

my @ids = sort keys %id;
my (%by, @rest);

for my $i (0 .. $#ids) {
    $ada->decide($ids[$i], approved => $yes, reason => "ada $i");
    $eve->decide($ids[-1 - $i], approved => $no, reason => "eve $i");

    push @rest, [$ids[N / 2 - 1 - $i / 2], $t->start(
        POST => "/v1/requests/$ids[N / 2 - 1 - $i / 2]/decision",
        json => { approved => $no, reason => "rest $i" })]
        if $i % 10 == 0;
}

# exactly one answer for each

my %answer;

for (1 .. N) {
    my $m = $sled->await('perm_response', 20) or last;
    push @{$answer{$m->{req_id}}}, $m->{payload};
}

is(scalar keys %answer, N, 'the sled has an answer to each');
ok($sled->quiet, 'and not one more');

# what each operator was told: states, and errors

sub told {
    my ($op) = @_;

    my (%decided, %late, %other);

    $op->send_json({ type => 'heartbeat', req_id => 'end' });

    # everything that was said before the answer, then what is delivered

    my ($ended, $delivered) = (0, 0);

    while ($delivered < N || !$ended) {
        my $m = $op->recv_json(20) or last;

        if ($m->{type} eq 'heartbeat_ack') {
            $ended = 1;

        } elsif ($m->{type} eq 'error') {
            $late{$m->{req_id}} = $m;

        } elsif ($m->{state} eq 'decided') {
            $decided{$m->{req_id}}++;
            $other{$m->{req_id}} = $m;

        } elsif ($m->{state} eq 'delivered') {
            $delivered++;
        }
    }

    is($delivered, N, 'each was delivered');
    is(scalar keys %decided, N, 'each was decided');
    is_deeply([grep { $_ != 1 } values %decided], [], 'once');

    return \%late;
}

my %late = (ada => told($ada), eve => told($eve));
my %won = (ada => 0, eve => 0, rest => 0);

for my $id (@ids) {
    my $answer = $answer{$id{$id}}[0];
    my ($winner) = $answer->{message} =~ /^(\w+) /;

    $won{$winner}++;

    is($answer->{approved}, $winner eq 'ada' ? $yes : $no,
        "$id: as $winner said") or last;

    for my $name (qw(ada eve)) {
        my $e = $late{$name}{$id};

        if ($name eq $winner) {
            is($e, undef, "$name won and hears no error") or last;
            next;
        }

        is($e->{code}, 'already_decided', "$name came second") or last;
        is_deeply($e->{decision}, $answer, 'and is told how') or last;
        is_deeply($e->{by}, $answer->{decided_by}, 'and by whom') or last;
    }
}

for (@rest) {
    my ($id, $r) = @$_;

    $r->finish;
    my ($winner) = $answer{$id{$id}}[0]{message} =~ /^(\w+) /;

    is($r->status, $winner eq 'rest' ? 200 : 409, "REST, $winner won")
        or next;
    is_deeply($r->json->{decision}, $answer{$id{$id}}[0], 'the decision');
}

note "won: ada $won{ada}, eve $won{eve}, rest $won{rest}";

my $counters = $t->http(GET => '/status')->json->{counters};

is($counters->{requests_approved}, $won{ada}, 'as many approvals');
is($counters->{requests_denied}, $won{eve} + $won{rest}, 'and denials');
is($counters->{late_decisions}, N + @rest, 'and late ones');

$sled->close;
$_->delete for $ada, $eve;

$t->finish;

done_testing;
