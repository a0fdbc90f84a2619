#!/usr/bin/perl

# Requests in flight while nginx reloads, twice, and while a reload fails:
# each is answered, once, with the operator's decision.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

my $conf = <<'EOC';
    uplink_zone main 2m;
    uplink_auth off;
    uplink_drain_timeout 20s;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->conf($conf)->run;

# ten sleds with five requests each: half of the sleds register

my %ws = map {
    my $agent = "sled-$_";
    $agent => $_ < 5 ? sled($t, $agent) : $t->ws("/sled?sled=$agent");
} 0 .. 9;

for my $agent (sort keys %ws) {
    request($ws{$agent}, "$agent/$_", tool_input => { n => $_ }) for 0 .. 4;
}

my %want;

for (open_requests($t, 50)) {
    my $yes = rand 2 < 1 ? JSON::PP::true : JSON::PP::false;
    $want{$_->{sled}}{"$_->{sled}/$_->{tool_input}{n}"}
        = { id => $_->{req_id}, yes => $yes };
}

# a fifth of them is decided in each of these states

my $step = 0;

sub decide_some {
    my ($name) = @_;

    for my $agent (sort keys %ws) {
        my $w = $want{$agent}{"$agent/$step"};
        my $r = decide($t, $w->{id}, approved => $w->{yes});
        is($r->status, 200, "$name: $agent");
    }

    $step++;

    return;
}

decide_some('before');

$t->reload(wait => 'new');
decide_some('after a reload');

my $message = $t->reload_fails(conf => $conf . "uplink_zone main 1m;\n");
like($message, qr/duplicate zone "main"/, 'a reload that fails');
decide_some('after one that failed');

# the registered ones come back to the new workers, as they were told

for my $agent (map { "sled-$_" } 0 .. 2) {
    my $old = $ws{$agent};
    $ws{$agent} = sled($t, $agent, resume => $old->{registered});
    $ws{$agent}{before} = $old;
}

$t->reload(wait => 'new', conf => $conf, workers => 3);
decide_some('after a second reload, with more workers');

my $back = $ws{'sled-0'};
$ws{'sled-0'} = sled($t, 'sled-0', resume => $back->{registered});
$ws{'sled-0'}{before} = $back;
decide_some('and last');

for my $agent (sort keys %ws) {
    my %got;

    # what came before the resume counts as well: it was written there

    for (my $ws = $ws{$agent}; $ws; $ws = $ws->{before}) {
        my $from = $ws;

        while (keys %got < 5) {
            my $m = $from->await('perm_response', $ws == $ws{$agent} ? 5 : 1)
                or last;
            push @{$got{$m->{req_id}}}, $m->{payload};
        }
    }

    for (sort keys %{$want{$agent}}) {
        my @answers = @{$got{$_} // []};
        is(scalar @answers, 1, "$_: one answer");
        is($answers[0]{approved}, $want{$agent}{$_}{yes}, "$_: as decided");
        is($answers[0]{reason}, 'operator', "$_: by the operator");
    }
}

$_->close for values %ws;

$t->finish(leaves => 'ended requests are remembered', signal => 'TERM');
done_testing;
