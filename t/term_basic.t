#!/usr/bin/perl

# A terminal: opened, typed into, shown, resized, closed; in one worker and
# through two.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet->run;

for my $at (0, 1) {
    my $where = $at ? 'two workers' : 'one worker';

    my ($sled, $browser, $open, $opened) = $t->terminal(
        sled => { at => 0 }, session => "s-$at",
        browser => { at => $at, query => 'cols=120' });

    is_deeply({ %$open, request_id => '', handle => '' }, {
        request_id => '', handle => '', task_id => 't1',
        workspace_id => 'w', issue_id => 'i', work_dir => '/srv/work',
        cols => 120, rows => 24,
    }, "$where: terminal.open");

    like($open->{request_id}, qr/^[0-9a-f]{32}$/, "$where: request_id");
    like($open->{handle}, qr/^[0-9a-f]{16}$/, "$where: handle");

    is($opened->{session_id}, "s-$at", "$where: terminal.opened");
    is($opened->{shell}, 'bash', "$where: what the sled says of it");
    is($opened->{offset}, 0, "$where: from the first byte");
    is($opened->{mode}, 'drive', "$where: its driver");
    is($opened->{handle}, $open->{handle}, "$where: the same handle");
    like($opened->{resume_token}, qr/^[0-9a-f]{64}$/, "$where: token");

    $browser->type("ls\n");
    is($sled->typed(3), "ls\n", "$where: typed");

    $sled->show("s-$at", "file\r\n");
    is($browser->shown(6), "file\r\n", "$where: shown");

    $browser->say('terminal.resize', session_id => 'foreign', cols => 99,
        rows => 11);
    is_deeply($sled->await('terminal.resize')->{payload},
        { session_id => "s-$at", cols => 99, rows => 11 },
        "$where: resize, of its own session");

    $browser->say('terminal.data', session_id => 'foreign',
        data_b64 => 'eA==');
    is($sled->typed(1), 'x', "$where: a foreign session is not believed");
    is($sled->{session}, "s-$at", "$where: ours is written");

    $browser->say('terminal.close', reason => 'panel');
    is_deeply($sled->await('terminal.close')->{payload},
        { session_id => "s-$at", reason => 'panel' }, "$where: close");

    $sled->show("s-$at", 'bye');
    $sled->say('terminal.exit', session_id => "s-$at", exit_code => 3,
        reason => 'exited');

    is($browser->shown(3), 'bye', "$where: the last words");
    is_deeply($browser->await('terminal.exit')->{payload},
        { session_id => "s-$at", exit_code => 3, reason => 'exited' },
        "$where: exit");
    $browser->expect_close(1000, "$where: closed");

    $sled->close;
}

$t->finish;

done_testing;
