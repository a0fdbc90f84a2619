#!/usr/bin/perl

# Every view, on a desk and on a phone, light and dark: nothing serious for
# axe-core, nothing wider than the page, and a picture of each in
# $BUILD/shots to look at.
#
# not with sanitizers: it is about the page

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Console;
use Uplink::Daemon;

my $t = Uplink::Console->new;

$t->console('uplink_resume_window 10ms; uplink_permission_timeout 300s;'
    . 'uplink_request_timeout 300s;')
    ->run;

# ---- a fleet with something to look at

my $daemon = Uplink::Daemon->new(id => 'build-7',
    gateway => 'ws://127.0.0.1:' . $t->port . '/sled');
$daemon->run('--workspace', 'web', '--shell', '/bin/sh', '--task',
    "issue=WEB-1312,task=task-42,dir=$Uplink::Test::root");
$daemon->wait_log(qr/registered/);

my @sleds = map { $t->sled($_) } qw(build-1 build-2 build-3 ci-arm ci-x86
    laptop-ada laptop-grace render-1 render-2 staging);

$sleds[1]->send_json({ type => 'flow_control', req_id => 'f',
    payload => { action => 'pause' } });
$sleds[5]->tasks({ task_id => 'docs-3', workspace_id => 'web',
    issue_id => 'WEB-1290', work_dir => '/home/ada/web' });

my $asks = $daemon->start('ask', '--tool', 'Bash', '--task', 'task-42',
    '--issue', 'WEB-1312', '--workspace', 'web', '--input',
    '{"command":"npm run migrate -- --env production"}');

my %about = (workspace_id => 'web', issue_id => 'WEB-1312',
    task_id => 'task-42');

$sleds[0]->ask('r1', {
    command => 'git push --force-with-lease origin HEAD:main'
        . ' && ./deploy production' },
    description => 'Push the rebased branch and deploy it', %about);
$sleds[4]->send_json({ type => 'perm_request', req_id => 'r2', payload => {
    tool_name => 'Edit', %about, tool_input => {
        file_path => '/srv/web/src/session.js',
        old_string => join("\n", 'export function open(id) {',
            '    const s = find(id);', '', '    if (!s) {',
            '        return null;', '    }', '', '    s.count++;', '',
            '    return s;', '}'),
        new_string => join("\n",
            'export function open(id, now = Date.now()) {',
            '    const s = find(id);', '', '    if (!s || s.expires < now) {',
            '        return null;', '    }', '', '    s.count++;',
            '    s.seen = now;', '', '    return s;', '}') } } });
$sleds[2]->send_json({ type => 'perm_request', req_id => 'r3', payload => {
    tool_name => 'WebFetch', workspace_id => 'web', tool_input => {
        url => "https://example.org/\x{202e}gpj.exe", follow => \1,
        prompt => 'Which licence is it under?' } } });
$sleds[5]->send_json({ type => 'ask', req_id => 'q1', payload => {
    task_id => 'docs-3', question => { text => 'Two migrations touch the '
        . 'same table. Which one goes first?',
        options => ['0042_sessions', '0043_index'] } } });

my @forms = ([desktop => 'light'], [desktop => 'dark'], [phone => 'light'],
    [phone => 'dark']);

for (@forms) {
    my ($form, $theme) = @$_;
    my $page = $t->open('', phone => $form eq 'phone' ? 1 : 0,
        dark => $theme eq 'dark' ? 1 : 0, reduced => 1);

    for my $view (qw(decisions fleet terminal health)) {
        my $look = "$view-$form-$theme";
        my $hash = $view eq 'terminal'
            ? '#/terminal?issue=WEB-1312&workspace=web' : "#/$view";

        $page->eval('location.hash = arg', $hash);
        $page->wait("main[data-view=\"$view\"]");

        if ($view eq 'decisions') {
            $page->until('document.querySelectorAll(".card").length >= 5
                && /laptop/.test(document.body.innerText)');
            $page->press('j');

        } elsif ($view eq 'fleet') {
            $page->wait_text('main', 'render-2');

        } elsif ($view eq 'terminal') {
                    $page->wait('.xterm-rows');
            $page->until('/[#$]/.test(
                document.querySelector(".xterm-rows").textContent)');
            $page->click('.xterm-screen');
            $page->type("ls -C --color=always src/* | head -n 18\n");
            $page->until('/fleet/.test(
                document.querySelector(".xterm-rows").textContent)');

        } else {
            $page->wait_text('main', 'sleds');
        }

        is($page->eval('document.documentElement.scrollWidth
            <= document.documentElement.clientWidth'), JSON::PP::true,
            "$look: fits");
        $page->axe($look) if $theme eq 'light' xor $form eq 'phone';
        $page->shot($look);
    }

    $page->close;
}

kill 'TERM', $asks->pid;
$asks->wait;
$daemon->finish;
$_->close for @sleds;
$t->wait_for(sub { !$t->status->{requests}{pending} });
$t->finish(leaves => 'requests are remembered');

done_testing;
