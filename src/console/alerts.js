/*
 * A sound and a notification, where they are wanted, and only when a person
 * is needed.
 */

import { status, title } from './words.js';

export class Alerts {
    constructor(app) {
        this.app = app;
        this.notes = new Map();

        app.settings.on('notify', (on) => {
            if (on && 'Notification' in window) {
                Notification.requestPermission();
            }
        });

        app.settings.on('sound', (on) => on && this.sound());
    }

    /** somebody has to answer this */
    needed(request) {
        const { app } = this;
        const what = title(request);
        const from = request.sled ? ` from ${request.sled}` : '';

        app.announce(`${what}${from} waits for you.`);

        if (app.settings.get('sound')) {
            this.sound();
        }

        if (app.settings.get('notify') && document.hidden
            && window.Notification?.permission === 'granted')
        {
            const note = new Notification(`${what} waits for you`, {
                body: `${app.config.fleet}${from}`, tag: request.id,
            });

            note.onclick = () => {
                focus();
                app.navigate('decisions');
                note.close();
            };

            this.notes.set(request.id, note);
        }
    }

    changed(request) {
        if (request.state === 'open') {
            return;
        }

        this.notes.get(request.id)?.close();
        this.notes.delete(request.id);

        if (!request.removed && request.told !== request.state) {
            request.told = request.state;
            this.app.announce(`${title(request)}: `
                + status(request, this.app.session));
        }
    }

    /** two soft tones */
    sound() {
        try {
            this.audio ??= new AudioContext();

            const { audio } = this;
            const at = audio.currentTime;

            for (const [i, pitch] of [660, 880].entries()) {
                const tone = audio.createOscillator();
                const gain = audio.createGain();
                const start = at + i * 0.14;

                tone.frequency.value = pitch;
                gain.gain.setValueAtTime(0, start);
                gain.gain.linearRampToValueAtTime(0.12, start + 0.02);
                gain.gain.exponentialRampToValueAtTime(0.001, start + 0.3);
                tone.connect(gain).connect(audio.destination);
                tone.start(start);
                tone.stop(start + 0.32);
            }
        } catch {
            /* a browser without sound */
        }
    }
}
